import { showValue } from './changes'
import { type Field, flagsSet } from './fields'
import type { Heap } from './heap'
import type { Part } from './parts'
import { SPACE_KEYS } from './range-table'
import type { Struct } from './struct'

/** A row, or a run of a range table, in words. */
export interface Entry {
  /** `table[row]`, or `table` and the keys, behind the space where that is not 0. */
  readonly where: string
  /** Field by field: its name and its value. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/** The whole state as text, a line a row or run: what a failing test or a bug report shows. */
export const dump = (heap: Heap): string => entries(heap).map(entryText).join('\n')

export const entryText = ({ where, fields }: Entry): string =>
  `${where} ${fields.map(([name, value]) => `${name}=${value}`).join(' ')}`

/** Every row and run that is there. */
export const entries = (heap: Heap): Entry[] => [
  ...Object.entries(heap.tables).flatMap(([table, { capacity }]) =>
    Array.from({ length: capacity }, (_, i) => rowEntry(heap, table, i + 1)).flat(),
  ),
  ...Object.keys(heap.ranges).flatMap((table) => runEntries(heap, table)),
]

/** The rows and runs of one part: none, or one, where it is a row. */
export const entriesOf = (heap: Heap, { table, row }: Part): Entry[] =>
  row === 0 ? runEntries(heap, table) : rowEntry(heap, table, row)

function rowEntry({ tables }: Heap, name: string, id: number): Entry[] {
  const table = tables[name]
  if (table?.isLive(id) !== true) return []
  return [{ where: `${name}[${id}]`, fields: fieldsOf(table.def, table.at(id)) }]
}

function runEntries({ ranges }: Heap, name: string): Entry[] {
  const table = ranges[name]
  if (table === undefined) return []
  return table.runs(0, Number.MAX_SAFE_INTEGER).map((run) => ({
    where: `${name} ${runText(run)}`,
    fields: fieldsOf(table.def, run),
  }))
}

const runText = ({ start, end }: { readonly start: number; readonly end: number }): string => {
  const space = Math.floor(start / SPACE_KEYS)
  return keysText(space, start - space * SPACE_KEYS, end - space * SPACE_KEYS)
}

/** Keys [start, end) of a space: `0x60400-0x60403`, and `2:0x60400` in a space other than the first. */
export function keysText(space: number, start: number, end: number): string {
  const key = (number: number) => `0x${number.toString(16)}`
  const keys = end === start + 1 ? key(start) : `${key(start)}-${key(end - 1)}`
  return space === 0 ? keys : `${space}:${keys}`
}

function fieldsOf(def: Struct, row: object): Entry['fields'] {
  const values = row as Record<string, unknown>
  return def.places.map(({ name, field }) => [name, fieldText(field, values[name])])
}

/** A value with its flags by their names. */
export const fieldText = (field: Field, value: unknown): string =>
  field.kind === 'bits'
    ? `{${flagsSet(field.flags, value as number).join(' ')}}`
    : showValue(field, value)
