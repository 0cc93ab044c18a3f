import { type Entry, entriesOf, entryText, type Part, showValue } from '../arena'
import type { Kernel } from '../linux/kernel'
import { isBookkeeping } from '../machine'
import type { Search } from './search'

/** A field of a row: `pgmaps[1].ops`. */
type Fields = ReadonlyMap<string, string>

/** Everything that one part was in a search, in words that mean the same in every search. */
export interface PartContents {
  /** By the number of the content: its fields, or the whole of a range table under one name. */
  readonly list: readonly Fields[]
}

/** What a part is called in every search of the scenario. */
export const labelOf = ({ table, row }: Part): string => (row === 0 ? table : `${table}[${row}]`)

/**
 * The contents that each part had in a search, by the part’s label. The numbers of texts and the sizes
 * of tables may differ from search to search; what is here may not. Leaves the kernel in its first state.
 */
export function contentsOf(search: Search<Kernel>): Map<string, PartContents> {
  const { table, kernel } = search
  table.load(0)
  const found = new Map<string, PartContents>()
  table.parts.list.forEach((part, number) => {
    const column = table.changing.indexOf(number)
    found.set(labelOf(part), {
      list: column < 0 ? [fieldsNow(kernel, part)] : changing(search, part, number, column),
    })
  })
  return found
}

function changing(
  { table, kernel }: Search<Kernel>,
  part: Part,
  number: number,
  column: number,
): Fields[] {
  const values = table.values[column]
  if (values === undefined) return []
  const list = Array.from({ length: values.count }, (_, value) => {
    table.parts.write(number, values.words, values.startOf(value))
    return fieldsNow(kernel, part)
  })
  table.parts.write(number, values.words, values.startOf(table.valueOf(0, number)))
  return list
}

function fieldsNow(k: Kernel, part: Part): Fields {
  if (part.table === 'frames') return frameFields(k, part.row)
  const entries: Entry[] = entriesOf(k.heap, part)
  if (part.row === 0) return new Map([['', entries.map(entryText).join('\n')]])
  return new Map(entries.flatMap(({ fields }) => fields))
}

/** Frames hold the locals of whatever runs in them: only its operation knows their names. */
function frameFields({ machine }: Kernel, row: number): Fields {
  const task = Math.ceil(row / machine.maxDepth)
  const frame = machine.frame(task, row - (task - 1) * machine.maxDepth)
  if (frame === undefined) return new Map()
  const { operation, step, locals, ret } = frame
  const fields = operation.frame.places.map(
    ({ name, field }) => [name, showValue(field, locals[name])] as const,
  )
  return new Map([['at', `${operation.name}.${step.name}`], ['ret', String(ret)], ...fields])
}

/** The text of a content without some of its fields. */
export const contentText = (fields: Fields, leftOut: (field: string) => boolean): string =>
  [...fields].flatMap(([name, value]) => (leftOut(name) ? [] : [`${name}=${value}`])).join(' ')

/** True for the fields of a part that are the machine’s, not the kernel’s; of the empty name, where all are. */
export const isPositionOf = (label: string) => {
  const [table = ''] = label.split('[')
  return (field: string): boolean => isBookkeeping(table, field)
}
