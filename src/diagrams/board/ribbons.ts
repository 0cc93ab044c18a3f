import { path } from 'd3-path'
import type { Target } from '../../machine'
import { PADDING, type PlacedCard, placeCells } from '../shared/card-layout'
import { type Link, targetKey } from '../shared/cards'

/** A link as a curve; `end` is where it arrives. */
export interface Ribbon {
  readonly link: Link
  readonly path: string
  readonly end: readonly [x: number, y: number]
}

interface Box {
  readonly lane: number
  readonly left: number
  readonly right: number
  /** Where ribbons leave and arrive. */
  readonly middle: number
}

/** A mark of the last lane, where ribbons arrive. */
export interface PlacedEnd {
  readonly target: Target
  readonly left: number
  readonly right: number
  readonly middle: number
}

interface Lane {
  readonly cards: readonly PlacedCard[]
}

/** Of the space that a ribbon needs between two cards, and between two ribbons. */
const CLEAR = 7
const SPREAD = 7
/** Ports of a card spread over its head, not further. */
const HEAD = 24

/** Curves for the links whose ends are both on the board. */
export function ribbonsOf(
  links: readonly Link[],
  lanes: readonly Lane[],
  last: readonly PlacedEnd[],
): Ribbon[] {
  const boxes = boxesOf(lanes, last)
  const ends = links.flatMap((link) => {
    if (link.isSilent === true) return []
    const from = boxes.get(targetKey(link.from))
    const to = boxes.get(targetKey(link.to))
    return from === undefined || to === undefined ? [] : [{ link, from, to }]
  })
  const taken = new Map<string, number>()
  return ends.map((each) => {
    const { link, from, to } = each
    const start: Point = [from.right, from.middle + portOf(each, ends, 'from')]
    const end: Point = [to.left, to.middle + portOf(each, ends, 'to')]
    const between = lanes.slice(from.lane + 1, to.lane).map(({ cards }) => cards)
    return { link, path: pathThrough(start, end, between, taken), end }
  })
}

type Point = [number, number]

interface Ended {
  readonly link: Link
  readonly from: Box
  readonly to: Box
}

/** Ribbons at one mark lie side by side, in the order of their other ends, so that they do not cross. */
function portOf(each: Ended, all: readonly Ended[], side: 'from' | 'to'): number {
  const other = side === 'from' ? 'to' : 'from'
  const key = targetKey(each.link[side])
  const mine = all
    .filter(({ link }) => targetKey(link[side]) === key)
    .sort((a, b) => a[other].middle - b[other].middle)
  const step = Math.min(SPREAD, HEAD / mine.length)
  return (mine.indexOf(each) - (mine.length - 1) / 2) * step
}

/** Over a lane that it skips, a ribbon runs level through a gap between two cards. */
function pathThrough(
  start: Point,
  end: Point,
  between: readonly (readonly PlacedCard[])[],
  taken: Map<string, number>,
): string {
  const points: Point[] = [start]
  for (const cards of between) {
    const [first] = cards
    if (first === undefined) continue
    const [, fromY] = points.at(-1) ?? start
    const gap = nearestGap(cards, (fromY + end[1]) / 2)
    const key = `${first.x}:${gap}`
    const used = taken.get(key) ?? 0
    taken.set(key, used + 1)
    const y = gap + (used % 2 === 0 ? 1 : -1) * Math.ceil(used / 2) * 5
    points.push([first.x, y], [first.x + first.width, y])
  }
  points.push(end)
  const drawn = path()
  drawn.moveTo(...start)
  points.slice(1).forEach(([x, y], i) => {
    const [fromX, fromY] = points[i] as Point
    const middle = (fromX + x) / 2
    const isLevel = i % 2 === 1
    if (isLevel) drawn.lineTo(x, y)
    else drawn.bezierCurveTo(middle, fromY, middle, y, x, y)
  })
  return drawn.toString()
}

/** The y of the gap between cards, or below the last, that is nearest. */
function nearestGap(cards: readonly PlacedCard[], y: number): number {
  const gaps = cards.map((card) => card.y + card.height + CLEAR)
  return gaps.reduce((best, gap) => (Math.abs(gap - y) < Math.abs(best - y) ? gap : best))
}

function boxesOf(lanes: readonly Lane[], last: readonly PlacedEnd[]): Map<string, Box> {
  const boxes = new Map<string, Box>()
  lanes.forEach(({ cards }, lane) => {
    for (const { card, x, y, width, rows } of cards) {
      const box = { lane, left: x, right: x + width, middle: y + 15 }
      if (!boxes.has(targetKey(card.target))) boxes.set(targetKey(card.target), box)
      for (const { row, y: rowY, height } of rows) {
        if (row.kind === 'mark')
          boxes.set(targetKey(row.target), { ...box, middle: y + rowY + (height - 8) / 2 })
        if (row.kind === 'cells')
          for (const placed of placeCells(row, width - 2 * PADDING))
            boxes.set(targetKey(placed.cell.target), {
              ...box,
              middle: y + rowY + placed.y + placed.height / 2,
            })
      }
    }
  })
  for (const { target, left, right, middle } of last)
    boxes.set(targetKey(target), { lane: lanes.length, left, right, middle })
  return boxes
}
