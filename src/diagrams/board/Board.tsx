import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { Change } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import type { Finding, Target } from '../../machine'
import { CardMark } from '../shared/CardMark'
import { cardText, targetKey } from '../shared/cards'
import { WhereDiagram } from '../where/WhereDiagram'
import { chainOf } from './chain'
import { layoutBoard } from './layout'
import type { Part } from './part'
import type { Ribbon } from './ribbons'
import { type BoardView, selectBoard } from './select'

export interface BoardProps {
  readonly kernel: Kernel
  /** What the last step changed. */
  readonly changes: readonly Change[]
  /** What breaks a property now. */
  readonly findings: readonly Finding[]
  /** Counts the changes of the kernel's state: the kernel itself is one object for ever. */
  readonly version: number
  readonly hovered: Target | undefined
  readonly selected: Target | undefined
  /** The node of the iomem tree that is zoomed to; 0 is all. */
  readonly focus: number
  readonly onHover: (target: Target | undefined) => void
  readonly onPick: (target: Target, element: Element) => void
}

/** The five lanes, from who to where, with the ribbons between them. */
export function Board({ hovered, selected, onHover, onPick, ...state }: BoardProps) {
  const [frame, width] = useWidth()
  const part = usePart()
  const [asked, ask] = useState<number | undefined>()
  const view = useView(state, part, part?.addressOf(state.kernel, hovered) ?? asked)
  const layout = useMemo(() => layoutBoard(view, width, part), [view, width, part])
  const chain = hovered === undefined ? undefined : chainOf(hovered, view.links)
  const light = (target: Target): string => {
    const key = targetKey(target)
    const isSelected = selected !== undefined && targetKey(selected) === key
    const lit = chain === undefined ? '' : chain.has(key) ? 'lit' : 'dim'
    return `${lit} ${isSelected ? 'selected' : ''}`
  }
  const pick = (target: Target, element: Element) => {
    if (target.kind === 'hpa') ask(target.key)
    else onPick(target, element)
  }
  const handlers = { onHover, onPick: pick }
  return (
    <figure className="board" ref={frame} aria-label="The board: who may still touch which page">
      <svg width={layout.width} height={layout.height} role="presentation">
        <Hatching />
        <Ribbons ribbons={layout.ribbons} light={light} />
        {layout.lanes.map(({ name, x, y, cards }) => (
          <g key={name}>
            <text className="lane" x={x} y={y + 16}>
              {name.toUpperCase()}
            </text>
            {cards.map((placed) => (
              <CardMark
                key={`${targetKey(placed.card.target)} ${placed.card.title}`}
                placed={placed}
                light={light}
                {...handlers}
              />
            ))}
          </g>
        ))}
        <PinHeads ribbons={layout.ribbons} light={light} />
        <text className="lane" x={layout.where.x} y={layout.where.y + 16}>
          WHERE
        </text>
        <WhereDiagram ranges={layout.where.ranges} light={light} {...handlers} />
        {part !== undefined && layout.topology !== undefined && (
          <part.Diagram placed={layout.topology} light={light} {...handlers} />
        )}
      </svg>
      {part !== undefined && layout.topology !== undefined && (
        <part.Field place={layout.topology.field} onAsk={ask} />
      )}
      <TextTwin view={view} part={part} />
    </figure>
  )
}

type State = Pick<BoardProps, 'kernel' | 'changes' | 'findings' | 'version' | 'focus'>

/** The view of this moment, with the part that has arrived, and the CXL address that is pointed at. */
function useView(
  { kernel, changes, findings, version, focus }: State,
  part: Part | undefined,
  hpa: number | undefined,
): BoardView {
  // biome-ignore lint/correctness/useExhaustiveDependencies: version stands for the kernel's state
  return useMemo(
    () => selectBoard(kernel, changes, findings, focus, part && { part, hpa }),
    [kernel, changes, findings, focus, version, part, hpa],
  )
}

interface RibbonsProps {
  readonly ribbons: readonly Ribbon[]
  readonly light: (target: Target) => string
}

const ribbonKey = ({ link: { from, to } }: Ribbon): string => `${targetKey(from)} ${targetKey(to)}`

/** Dim where one of its ends is. */
const dimness = ({ link }: Ribbon, light: RibbonsProps['light']): string =>
  light(link.from).includes('dim') || light(link.to).includes('dim') ? 'dim' : ''

function Ribbons({ ribbons, light }: RibbonsProps) {
  return (
    <g className="ribbons">
      {ribbons.map((ribbon) => (
        <path
          key={ribbonKey(ribbon)}
          d={ribbon.path}
          className={`ribbon tone-${ribbon.link.tone} ${dimness(ribbon, light)}`}
        />
      ))}
    </g>
  )
}

/** The heads of pins, where ribbons of what is pinned end: over the edges of the cards. */
function PinHeads({ ribbons, light }: RibbonsProps) {
  const pins = ribbons.filter(({ link }) => link.tone === 'pinned')
  return (
    <g>
      {pins.map((ribbon) => (
        <circle
          key={ribbonKey(ribbon)}
          className={`pin ${dimness(ribbon, light)}`}
          cx={ribbon.end[0]}
          cy={ribbon.end[1]}
          r={5}
        />
      ))}
    </g>
  )
}

/** The same in words, for who does not see it. */
function TextTwin({ view, part }: { view: BoardView; part: Part | undefined }) {
  return (
    <figcaption className="visually-hidden">
      {view.lanes.map(({ name, cards }) => (
        <p key={name}>{`${name}: ${cards.map(cardText).join('. ') || 'nothing'}.`}</p>
      ))}
      {view.topology !== undefined && <p>{`CXL: ${part?.text(view.topology)}.`}</p>}
    </figcaption>
  )
}

/** The part of the board that few first pictures need. Without it the rest is as it was. */
function usePart(): Part | undefined {
  const [part, setPart] = useState<Part | undefined>()
  useEffect(() => {
    let isGone = false
    import('./late').then(
      ({ late }) => isGone || setPart(late),
      () => undefined,
    )
    return () => {
      isGone = true
    }
  }, [])
  return part
}

function Hatching() {
  return (
    <defs>
      <pattern
        id="hatching"
        width="6"
        height="6"
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(45)"
      >
        <line className="hatching" x1="0" y1="0" x2="0" y2="6" />
      </pattern>
    </defs>
  )
}

const USUAL_WIDTH = 1200
const LEAST_WIDTH = 300

/**
 * The width that the board has, in pixels, and a ref for the element that has it. It is measured
 * before the first picture is painted, so that no reader sees, and no phone scrolls, the usual one.
 */
function useWidth() {
  const frame = useRef<HTMLElement>(null)
  const [width, setWidth] = useState(USUAL_WIDTH)
  useLayoutEffect(() => {
    const element = frame.current
    if (element === null) return
    const measure = () => {
      const { clientWidth } = element
      // A frame that is not laid out yet has no width; less than a phone's is not drawn.
      if (clientWidth > 0) setWidth(Math.max(LEAST_WIDTH, clientWidth))
    }
    measure()
    if (typeof ResizeObserver === 'undefined') return
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [frame, width] as const
}
