import { Arena } from './arena'
import { RangeTable } from './range-table'
import type { RunStore } from './run-store'
import type { Struct } from './struct'
import { Table, tableWords } from './table'

/** A table's struct and how many rows it has room for. */
export type TableSpec<D extends Struct = Struct> = readonly [def: D, capacity: number]

type Tables<T extends Record<string, TableSpec>> = { readonly [K in keyof T]: Table<T[K][0]> }
type Ranges<R extends Record<string, Struct>> = { readonly [K in keyof R]: RangeTable<R[K]> }

/** All state of a simulation: an arena, and the tables and range tables laid out in it. */
export interface Heap<
  T extends Record<string, TableSpec> = Record<string, TableSpec>,
  R extends Record<string, Struct> = Record<string, Struct>,
> {
  readonly arena: Arena
  readonly tables: Tables<T>
  readonly ranges: Ranges<R>
}

/** Lays tables out one behind the other, in the order of their names here; range tables grow as needed. */
export function layOut<T extends Record<string, TableSpec>, R extends Record<string, Struct>>(
  tables: T,
  ranges: R,
): Heap<T, R> {
  const specs = Object.entries(tables)
  const words = specs.reduce((sum, [, [def, rows]]) => sum + tableWords(def, rows), 0)
  const arena = new Arena(words, Object.keys(ranges).length)
  let base = 0
  let part = 0
  const laid: Record<string, Table<Struct>> = {}
  for (const [name, [def, capacity]] of specs) {
    laid[name] = new Table(arena, def, base, capacity)
    const stride = tableWords(def, 1)
    for (let row = 0; row < capacity; row++)
      arena.partOf.fill(part + row, base + row * stride, base + (row + 1) * stride)
    base += stride * capacity
    part += capacity
  }
  const spread = Object.entries(ranges).map(([name, def], i) => {
    arena.partOf[words + i] = part + i
    return [name, new RangeTable(arena, def)]
  })
  return { arena, tables: laid as Tables<T>, ranges: Object.fromEntries(spread) as Ranges<R> }
}

const storesOf = (arena: Arena): RunStore[] => arena.stores as RunStore[]

/** The whole state as words, canonically: equal states give equal words. */
export function pack(arena: Arena): Int32Array {
  const stores = storesOf(arena)
  const { length } = arena.words
  const packed = new Int32Array(stores.reduce((sum, store) => sum + store.packedWords, length))
  packed.set(arena.words)
  stores.reduce((next, store) => store.pack(packed, next), length)
  return packed
}

/** Makes the state the packed one and forgets the journal. */
export function restore(arena: Arena, packed: Int32Array): void {
  const { length } = arena.words
  arena.words.set(packed.subarray(0, length))
  arena.journal.length = 0
  arena.rewinds += 1
  storesOf(arena).reduce((next, store) => store.unpack(packed, next), length)
  const [hashLo, hashHi] = hashFromScratch(arena)
  arena.hashLo = hashLo
  arena.hashHi = hashHi
}

/** The hash computed from the words alone; always what the increments have made of it. */
export function hashFromScratch(arena: Arena): readonly [hashLo: number, hashHi: number] {
  const { hashLo, hashHi } = arena
  arena.hashLo = 0
  arena.hashHi = 0
  arena.words.forEach((word, at) => {
    arena.mix(at + 1, word)
  })
  for (const store of storesOf(arena)) store.mixAll()
  const fresh = [arena.hashLo, arena.hashHi] as const
  arena.hashLo = hashLo
  arena.hashHi = hashHi
  return fresh
}
