import { type PlacedCard, stackCards } from '../shared/card-layout'
import { layoutWhere, type PlacedRange } from '../where/layout'
import type { Part, PlacedTopology } from './part'
import { type PlacedEnd, type Ribbon, ribbonsOf } from './ribbons'
import type { BoardView } from './select'

export interface PlacedLane {
  readonly name: string
  readonly x: number
  readonly y: number
  readonly cards: readonly PlacedCard[]
}

export interface BoardLayout {
  readonly width: number
  readonly height: number
  readonly lanes: readonly PlacedLane[]
  readonly where: {
    readonly x: number
    readonly y: number
    readonly ranges: readonly PlacedRange[]
  }
  readonly topology?: PlacedTopology
  /** Empty where the lanes lie below each other. */
  readonly ribbons: readonly Ribbon[]
}

/** Below this width, in pixels, lanes are stacked. */
export const STACK_BELOW = 900

const MARGIN = 16
const TITLE = 34
/** Width of each lane, and of the space behind it for ribbons, as parts of the whole. */
const PARTS = [
  { lane: 0.19, gap: 0.026 },
  { lane: 0.206, gap: 0.026 },
  { lane: 0.222, gap: 0.026 },
  { lane: 0.158, gap: 0.026 },
  { lane: 0.12, gap: 0 },
] as const

/** The same where the last lane has a topology to show. */
const TOPOLOGY_PARTS = [
  { lane: 0.178, gap: 0.023 },
  { lane: 0.18, gap: 0.023 },
  { lane: 0.203, gap: 0.023 },
  { lane: 0.15, gap: 0.023 },
  { lane: 0.197, gap: 0 },
] as const
/** Above the topology, in pixels. */
const TOPOLOGY_GAP = 20
/** Below this width, in pixels, the last lane has no room for it: it lies below all lanes. */
const TOPOLOGY_BELOW = 1240
const TOPOLOGY_WIDTH = 560

/** Geometry of the board for a width in pixels: lanes side by side with ribbons, or stacked. */
export const layoutBoard = (view: BoardView, width: number, part?: Part): BoardLayout =>
  width < STACK_BELOW ? stacked(view, width, part) : sideBySide(view, width, part)

/** The topology below the tree, where there is one. */
function below(
  { topology }: BoardView,
  part: Part | undefined,
  x: number,
  bottom: number,
  width: number,
): PlacedTopology | undefined {
  return topology === undefined ? undefined : part?.place(topology, x, bottom + TOPOLOGY_GAP, width)
}

function sideBySide(view: BoardView, width: number, part: Part | undefined): BoardLayout {
  const { lanes, ranges, links } = view
  const room = width - 2 * MARGIN
  let x = MARGIN
  const isInLane = view.topology !== undefined && width >= TOPOLOGY_BELOW
  const parts = isInLane ? TOPOLOGY_PARTS : PARTS
  const starts = parts.map(({ lane, gap }) => {
    const start = x
    x += (lane + gap) * room
    return { start, width: lane * room }
  })
  const placed = lanes.map(({ name, cards }, i) => {
    const { start = 0, width: laneWidth = 0 } = starts[i] ?? {}
    const stack = stackCards(cards, start, TITLE, laneWidth)
    return { lane: { name, x: start, y: 0, cards: stack.placed }, bottom: stack.bottom }
  })
  const { start: whereX = 0, width: whereWidth = 0 } = starts[lanes.length] ?? {}
  const tree = layoutWhere(ranges, whereX, TITLE, whereWidth)
  const lowest = Math.max(tree.bottom, ...placed.map(({ bottom }) => bottom))
  const topology = isInLane
    ? below(view, part, whereX, tree.bottom, whereWidth)
    : below(view, part, MARGIN, lowest, TOPOLOGY_WIDTH)
  const height = Math.max(topology?.bottom ?? 0, lowest)
  const placedLanes = placed.map(({ lane }) => lane)
  return {
    width,
    height,
    lanes: placedLanes,
    where: { x: whereX, y: 0, ranges: tree.placed },
    ...(topology === undefined ? {} : { topology }),
    ribbons: ribbonsOf(links, placedLanes, [
      ...tree.placed.map(rangeBox),
      ...(isInLane ? cardBoxes(topology) : []),
    ]),
  }
}

const rangeBox = ({ range, x, y, width, height }: PlacedRange): PlacedEnd => ({
  target: range.target,
  left: x,
  right: x + width,
  middle: y + height / 2,
})

const cardBoxes = (topology: PlacedTopology | undefined): PlacedEnd[] =>
  (topology?.cards ?? []).map(({ card, x, y, width }) => ({
    target: card.target,
    left: x,
    right: x + width,
    middle: y + 15,
  }))

function stacked(view: BoardView, width: number, part: Part | undefined): BoardLayout {
  const { lanes, ranges } = view
  let y = 0
  const placed = lanes.map(({ name, cards }) => {
    const stack = stackCards(cards, MARGIN, y + TITLE, width - 2 * MARGIN)
    const lane = { name, x: MARGIN, y, cards: stack.placed }
    y = stack.bottom + MARGIN
    return lane
  })
  const tree = layoutWhere(ranges, MARGIN, y + TITLE, width - 2 * MARGIN)
  const where = { x: MARGIN, y, ranges: tree.placed }
  const topology = below(view, part, MARGIN, tree.bottom, width - 2 * MARGIN)
  const height = topology?.bottom ?? tree.bottom
  const board = { width, height, lanes: placed, where, ribbons: [] }
  return topology === undefined ? board : { ...board, topology }
}
