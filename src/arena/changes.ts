import type { Arena, Mark } from './arena'
import { codecOf } from './codec'
import { type Field, flagsValue } from './fields'
import type { Heap } from './heap'
import { SPACE_KEYS } from './range-table'
import type { RunStore } from './run-store'
import type { Place, Struct } from './struct'
import type { Table } from './table'

/** Where a changed field is: a row of a table, or keys [start, end) of one space of a range table. */
export type Where =
  | { readonly kind: 'row'; readonly id: number }
  | { readonly kind: 'keys'; readonly space: number; readonly start: number; readonly end: number }

/** One field that differs; `undefined` stands for a row that did not, or does not, exist. */
export interface Change {
  readonly table: string
  readonly where: Where
  readonly field: string
  readonly before: unknown
  readonly after: unknown
}

/** The words of a state, apart from the arena that they came from. */
export interface Reading {
  readonly words: Int32Array
  readonly stores: readonly RunStore[]
}

const storesOf = (arena: Arena): RunStore[] => arena.stores as RunStore[]

/** A copy of the state as it is. */
export const readingNow = (arena: Arena): Reading => ({
  words: arena.words.slice(),
  stores: storesOf(arena).map((store) => store.clone()),
})

/** A copy of the state as it was at a mark. */
export function readingAt(arena: Arena, mark: Mark): Reading {
  const reading = readingNow(arena)
  const journal = arena.journal.clone()
  while (journal.length > mark.length) {
    const at = journal.pop()
    if (at >= 0) reading.words[at] = journal.pop()
    else (reading.stores[~at] as RunStore).undo(journal)
  }
  return reading
}

/** What has changed since a mark, field by field, in the order of the tables. */
export const changesSince = (heap: Heap, mark: Mark): Change[] =>
  diff(heap, readingAt(heap.arena, mark), { words: heap.arena.words, stores: storesOf(heap.arena) })

/** The fields in which two states of one heap differ. */
export function diff(heap: Heap, before: Reading, after: Reading): Change[] {
  const rows = Object.entries(heap.tables).flatMap(([name, table]) =>
    tableChanges(heap.arena, name, table, before.words, after.words),
  )
  const keys = Object.entries(heap.ranges).flatMap(([name, table], i) =>
    rangeChanges(heap.arena, name, table.def, before.stores[i], after.stores[i]),
  )
  return [...rows, ...keys]
}

function tableChanges(
  arena: Arena,
  name: string,
  table: Table<Struct>,
  before: Int32Array,
  after: Int32Array,
): Change[] {
  const { def, base, capacity } = table
  const stride = def.words + 1
  const changes: Change[] = []
  for (let id = 1; id <= capacity; id++) {
    const at = base + (id - 1) * stride
    if (equalWords(before, after, at, stride)) continue
    const was = before[at] === 1
    const is = after[at] === 1
    for (const place of def.places) {
      const from = was ? valueAt(arena, place, before, at + 1, 0) : undefined
      const to = is ? valueAt(arena, place, after, at + 1, 0) : undefined
      if (from !== to)
        changes.push({
          table: name,
          where: { kind: 'row', id },
          field: place.name,
          before: from,
          after: to,
        })
    }
  }
  return changes
}

function equalWords(a: Int32Array, b: Int32Array, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (a[i] !== b[i]) return false
  return true
}

const valueAt = (arena: Arena, place: Place, words: Int32Array, at: number, key: number): unknown =>
  codecOf(place.field, arena.texts).get(words, at + place.offset, key)

/** Compares run by run on the union of both sides' boundaries. */
function rangeChanges(
  arena: Arena,
  name: string,
  def: Struct,
  before: RunStore | undefined,
  after: RunStore | undefined,
): Change[] {
  if (before === undefined || after === undefined) return []
  const changes: Change[] = []
  for (const [start, end] of segments(before, after)) {
    const was = rowAt(before, start)
    const is = rowAt(after, start)
    const space = Math.floor(start / SPACE_KEYS)
    const where = {
      kind: 'keys',
      space,
      start: start % SPACE_KEYS,
      end: end - space * SPACE_KEYS,
    } as const
    for (const place of def.places) {
      const from = was && valueAt(arena, place, before.words, was.at, start)
      const to = is && valueAt(arena, place, after.words, is.at, start)
      if (from !== to)
        changes.push({ table: name, where, field: place.name, before: from, after: to })
    }
  }
  return changes
}

/** The stretches between neighbouring boundaries where at least one side has a run, and they may differ. */
function segments(a: RunStore, b: RunStore): [start: number, end: number][] {
  const shared = sharedBoundaries(a, b)
  const cuts = [...boundaries(a, shared), ...boundaries(b, shared)].sort((x, y) => x - y)
  const unique = cuts.filter((cut, i) => cut !== cuts[i - 1])
  return unique.slice(0, -1).map((cut, i) => [cut, unique[i + 1] as number])
}

/** How many runs at the front, and at the back, are the same on both sides. */
function sharedBoundaries(a: RunStore, b: RunStore): { head: number; tail: number } {
  const shorter = Math.min(a.count, b.count)
  let head = 0
  while (head < shorter && sameRunAt(a, head, b, head)) head++
  let tail = 0
  while (tail < shorter - head && sameRunAt(a, a.count - 1 - tail, b, b.count - 1 - tail)) tail++
  return { head, tail }
}

function sameRunAt(a: RunStore, i: number, b: RunStore, j: number): boolean {
  if (a.starts[i] !== b.starts[j] || a.ends[i] !== b.ends[j]) return false
  for (let word = 0; word < a.width; word++)
    if (a.words[i * a.width + word] !== b.words[j * b.width + word]) return false
  return true
}

function boundaries(store: RunStore, { head, tail }: { head: number; tail: number }): number[] {
  const cuts: number[] = []
  for (let i = head; i < store.count - tail; i++)
    cuts.push(store.starts[i] as number, store.ends[i] as number)
  return cuts
}

function rowAt(store: RunStore, key: number): { at: number } | undefined {
  const index = store.search(key)
  const inside = index < store.count && (store.starts[index] as number) <= key
  return inside ? { at: index * store.width } : undefined
}

/** A value as the dump and the inspector print it. */
export function showValue(field: Field, value: unknown): string {
  switch (field.kind) {
    case 'bits':
      return `0x${flagsValue(field.flags, value as number).toString(16)}`
    case 'affine':
      return value === -1 ? 'none' : `0x${(value as number).toString(16)}`
    case 'wide':
      return `0x${(value as number).toString(16)}`
    case 'int':
    case 'choice':
    case 'text':
      return String(value)
    case 'ref':
      return value === 0 ? 'NULL' : `${field.target}[${value}]`
    default:
      return field satisfies never
  }
}
