import { type Change, showValue } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import type { Moment, TraceLine } from '../../machine'
import { COLUMNS, cell, wrapped } from '../text/mail-text'

const NUMBER = 4

/** A column for each thread, side by side. */
export interface Lanes {
  readonly threads: readonly (readonly [task: number, who: string])[]
  /** Columns of each, and in all. */
  readonly width: number
  readonly columns: number
}

/** Lanes for the threads that some moments are of, by the threads’ numbers. */
export function lanesOf(moments: readonly Moment[], columns = COLUMNS): Lanes {
  const threads = [...new Map(moments.map(({ task, who }) => [task, who]))].sort(
    ([a], [b]) => a - b,
  )
  const width = Math.min(30, Math.floor((columns - NUMBER) / Math.max(1, threads.length)))
  return { threads, width, columns }
}

/** The names of the threads above their lanes. */
export const laneNames = ({ threads, width }: Lanes): string =>
  `${'#'.padStart(NUMBER - 1)} ${threads.map(([, who]) => cell(who, width)).join('')}`.trimEnd()

/** A step in its thread’s lane, behind a label; below it up to `most` changed fields, and the claims that broke. */
export function stepLines(
  k: Kernel,
  { moment, changes, broken }: TraceLine,
  label: string,
  { threads, width, columns }: Lanes,
  most: number,
): string[] {
  const end = moment.returned === undefined ? '' : ` = ${moment.returned}`
  const cells = threads.map(([task]) =>
    task === moment.task
      ? cell(`${moment.fn}()`, width - end.length)
          .trimEnd()
          .concat(end)
          .padEnd(width)
      : cell('.', width),
  )
  const step = `${label.padStart(NUMBER - 1)} ${cells.join('')}`.trimEnd()
  const told = changes.map((change) => changeText(k, change))
  const shown = told.slice(0, most).flatMap((text) => wrapped(text, '       ', columns))
  const more = told.length > most ? [`       and ${told.length - most} more fields`] : []
  return [step, ...shown, ...more, ...broken.flatMap((claim) => wrapped(`! ${claim}`, '', columns))]
}

/** A changed field in words: where, and its values before and after. */
export function changedField(k: Kernel, { table, where, field, before, after }: Change) {
  const all = { ...k.heap.tables, ...k.heap.ranges }
  const kind = all[table as keyof typeof all]?.def.places.find(({ name }) => name === field)?.field
  const show = (value: unknown) =>
    value === undefined || kind === undefined ? 'nothing' : showValue(kind, value)
  const at = where.kind === 'row' ? `[${where.id}]` : ` 0x${where.start.toString(16)}`
  return { where: `${table}${at}`, field, before: show(before), after: show(after) }
}

function changeText(k: Kernel, change: Change): string {
  const { where, field, before, after } = changedField(k, change)
  return `${where}.${field}: ${before} -> ${after}`
}
