import { showValue } from './changes'
import { type Field, flagsSet } from './fields'
import type { Heap } from './heap'
import { SPACE_KEYS } from './range-table'
import type { Struct } from './struct'

/** The whole state as text, a line a row or run: what a failing test or a bug report shows. */
export function dump(heap: Heap): string {
  const lines: string[] = []
  for (const [name, table] of Object.entries(heap.tables))
    for (const row of table.rows()) lines.push(`${name}[${row.id}] ${fieldsText(table.def, row)}`)
  for (const [name, table] of Object.entries(heap.ranges))
    for (const run of table.runs(0, Number.MAX_SAFE_INTEGER))
      lines.push(`${name} ${keysText(run.start, run.end)} ${fieldsText(table.def, run)}`)
  return lines.join('\n')
}

function keysText(start: number, end: number): string {
  const space = Math.floor(start / SPACE_KEYS)
  const key = (whole: number) => `0x${(whole - space * SPACE_KEYS).toString(16)}`
  const keys = end === start + 1 ? key(start) : `${key(start)}-${key(end - 1)}`
  return space === 0 ? keys : `${space}:${keys}`
}

function fieldsText(def: Struct, row: object): string {
  const values = row as Record<string, unknown>
  return def.places.map(({ name, field }) => `${name}=${text(field, values[name])}`).join(' ')
}

const text = (field: Field, value: unknown): string =>
  field.kind === 'bits'
    ? `{${flagsSet(field.flags, value as number).join(' ')}}`
    : showValue(field, value)
