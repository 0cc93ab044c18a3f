import { type PlacedCard, stackCards } from '../shared/card-layout'
import { layoutWhere, type PlacedRange } from '../where/layout'
import { type Ribbon, ribbonsOf } from './ribbons'
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

/** Geometry of the board for a width in pixels: lanes side by side with ribbons, or stacked. */
export const layoutBoard = (view: BoardView, width: number): BoardLayout =>
  width < STACK_BELOW ? stacked(view, width) : sideBySide(view, width)

function sideBySide({ lanes, ranges, links }: BoardView, width: number): BoardLayout {
  const room = width - 2 * MARGIN
  let x = MARGIN
  const starts = PARTS.map(({ lane, gap }) => {
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
  const height = Math.max(tree.bottom, ...placed.map(({ bottom }) => bottom))
  const placedLanes = placed.map(({ lane }) => lane)
  return {
    width,
    height,
    lanes: placedLanes,
    where: { x: whereX, y: 0, ranges: tree.placed },
    ribbons: ribbonsOf(links, placedLanes, tree.placed),
  }
}

function stacked({ lanes, ranges }: BoardView, width: number): BoardLayout {
  let y = 0
  const placed = lanes.map(({ name, cards }) => {
    const stack = stackCards(cards, MARGIN, y + TITLE, width - 2 * MARGIN)
    const lane = { name, x: MARGIN, y, cards: stack.placed }
    y = stack.bottom + MARGIN
    return lane
  })
  const tree = layoutWhere(ranges, MARGIN, y + TITLE, width - 2 * MARGIN)
  const where = { x: MARGIN, y, ranges: tree.placed }
  return { width, height: tree.bottom, lanes: placed, where, ribbons: [] }
}
