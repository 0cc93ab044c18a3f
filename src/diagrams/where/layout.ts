import { wrap } from '../shared/card-layout'
import { addressRange } from '../shared/format'
import type { RangeView } from './select'

/** A range and its bar, in pixels. */
export interface PlacedRange {
  readonly range: RangeView
  readonly x: number
  readonly y: number
  readonly width: number
  /** Height of the range's own row. */
  readonly height: number
  /** Height of the bar: down to the end of the last range inside it. */
  readonly barHeight: number
  readonly name: readonly string[]
  /** First and last address, in two lines where one has no room for both. */
  readonly addresses: readonly string[]
}

const BAR = 16
const STEP = 12
const FOLD = 18
const KIB_4 = 4096
const TIB_16 = 2 ** 44
export const LINE = 17
/** Where the text of a range begins. */
export const TEXT = 20
const DIGIT = 6.9

/** Height by the logarithm of the size: 4 KiB is the least, and 16 TiB is twice as high. */
const heightOf = (bytes: number): number => {
  const share = Math.log(bytes / KIB_4) / Math.log(TIB_16 / KIB_4)
  return 26 + (54 - 26) * Math.min(1, Math.max(0, share))
}

/** Places ranges below each other in the order of their addresses; a bar spans the ranges inside it. */
export function layoutWhere(
  ranges: readonly RangeView[],
  x: number,
  top: number,
  width: number,
): { placed: PlacedRange[]; bottom: number } {
  let y = top
  const rows = ranges.map((range) => {
    if (range.folded > 0) y += FOLD
    const textWidth = width - BAR - (range.depth + 1) * STEP
    const name =
      range.name === '' ? [] : wrap(range.name, Math.max(10, Math.floor(textWidth / 6.6)))
    const addresses = addressLines(range, width - range.depth * STEP - TEXT)
    const least = (name.length + addresses.length) * LINE + 2
    const isOuter = ranges.some((other) => other.depth > range.depth && contains(range, other))
    const scaled = isOuter ? least : heightOf(Math.max(KIB_4, range.end - range.start + 1))
    const height = range.name === '' ? 0 : Math.max(least, scaled)
    const row = {
      range,
      x: x + range.depth * STEP,
      y,
      width: width - range.depth * STEP,
      height,
      name,
      addresses,
    }
    y += height + 4
    return row
  })
  const placed = rows.map((row) => {
    const inside = rows.filter(
      ({ range }) => range.depth > row.range.depth && contains(row.range, range),
    )
    const bottom = Math.max(row.y + row.height, ...inside.map((each) => each.y + each.height))
    return { ...row, barHeight: bottom - row.y }
  })
  return { placed, bottom: y }
}

function addressLines({ start, end }: RangeView, room: number): string[] {
  const both = addressRange(start, end)
  return both.length * DIGIT > room ? both.split(/(?<=–)/) : [both]
}

const contains = (outer: RangeView, inner: RangeView): boolean =>
  outer.start <= inner.start && inner.end <= outer.end
