import { type Change, diff, fieldText, type Heap, keysText, readingNow, type Where } from '../arena'
import type { AnyKernel, FrameInfo, Steppable } from '../machine'
import type { Search } from './search'

/** The contents of a part in words, each at its number. */
export type Contents = readonly string[]

/**
 * The contents of each part that varies, by the part. Content 0 shows the fields that differ
 * elsewhere, the other contents those in which they differ from it.
 */
export function contentsOf<K extends AnyKernel & Steppable<K>>(
  search: Search<K>,
): ReadonlyMap<number, Contents> {
  const { table, kernel } = search
  const { arena, tables } = kernel.heap
  const { list } = table.parts
  const frames = arena.partOf[tables['frames']?.base ?? 0] ?? 0
  const changes = new Map<number, Change[][]>()
  const stacks = new Map<number, string[]>()
  table.load(0)
  const start = readingNow(arena)
  for (const [state, parts] of firstStates(search)) {
    table.load(state)
    const all = diff(kernel.heap, start, readingNow(arena))
    for (const part of parts) {
      const { table: name, row } = list[part] as (typeof list)[number]
      if (name === 'frames') append(stacks, part, frameText(kernel, part - frames))
      else
        append(
          changes,
          part,
          all.filter((each) => each.table === name && isRow(each, row)),
        )
    }
  }
  const told = [...changes].map(([part, each]) => [part, contentTexts(kernel.heap, each)] as const)
  return new Map<number, Contents>([...stacks, ...told])
}

const isRow = ({ where }: Change, row: number): boolean => where.kind === 'keys' || where.id === row

function append<N, T>(lists: Map<N, T[]>, name: N, item: T): void {
  const list = lists.get(name)
  if (list === undefined) lists.set(name, [item])
  else list.push(item)
}

/**
 * The states that are the first to have some content, in their order, with the parts that have it.
 * Contents are numbered as they are met: a part's next one is first in a later state.
 */
function firstStates<K extends AnyKernel & Steppable<K>>({ table, states }: Search<K>) {
  const next = new Map(table.varying.map((part) => [part, 0]))
  const found = new Map<number, number[]>()
  for (let state = 0; state < states; state++)
    for (const [part, content] of next)
      if (table.valueOf(state, part) === content) {
        append(found, state, part)
        next.set(part, content + 1)
      }
  return found
}

/** A frame by its operation's own names: `try_grab_folio.grab pfn=0x60400`. */
function frameText<K extends AnyKernel & Steppable<K>>({ machine }: K, slot: number): string {
  const task = Math.floor(slot / machine.maxDepth) + 1
  const frame: FrameInfo<K> | undefined = machine.frames(task).toReversed()[slot % machine.maxDepth]
  if (frame === undefined) return 'empty'
  const { operation, step, locals, ret } = frame
  const fields = operation.frame.places
    .filter(({ name, field }) => locals[name] !== field.initial)
    .map(({ name, field }) => `${name}=${fieldText(field, locals[name])}`)
  const returned = ret === 0 ? [] : [`ret=${ret}`]
  return [`${operation.name}.${step.name}`, ...fields, ...returned].join(' ')
}

/** What a field is, or that its row is not there. */
interface Told {
  readonly where: Where
  readonly field: string
  readonly value: unknown
  /** The row is there in one of the two contents only: what is said of it need not be all. */
  readonly isAll: boolean
}

/** The contents of one part, from how each differs from content 0. */
function contentTexts(heap: Heap, contents: readonly (readonly Change[])[]): Contents {
  const table = contents.flat()[0]?.table ?? ''
  return contents.map((changes, number) => {
    const places = new Map<string, Told[]>()
    for (const change of number === 0 ? contents.flat() : changes) {
      const { where, field, before, after } = change
      const isAll = before === undefined || after === undefined
      const value = number === 0 ? before : after
      append(places, whereText(where), { where, field, value, isAll })
    }
    return [...places].map(([where, fields]) => placeText(heap, table, where, fields)).join(', ')
  })
}

const whereText = (where: Where): string =>
  where.kind === 'row' ? '' : keysText(where.space, where.start, where.end)

function placeText(heap: Heap, table: string, where: string, told: readonly Told[]): string {
  const def = (heap.tables[table] ?? heap.ranges[table])?.def
  const fields = told.flatMap(({ field: name, value, isAll }) => {
    const field = def?.fields[name]
    if (field === undefined || value === undefined || (isAll && value === field.initial)) return []
    return `${name}=${fieldText(field, value)}`
  })
  const isThere = told.some(({ value }) => value !== undefined)
  const shown = isThere ? new Set(fields.length === 0 ? ['initial'] : fields) : ['none']
  return [where, ...shown].filter(Boolean).join(' ')
}
