import type { Arena, Store } from './arena'
import type { Heap } from './heap'

/** A part of the state: a row of a table with its live word, or a range table with all its runs. */
export interface Part {
  readonly table: string
  /** The row's number; 0 for a range table. */
  readonly row: number
  /** Where a row's words begin in the arena, and how many they are. */
  readonly at: number
  readonly words: number
}

/** The parts that a heap is made of, by their numbers, with their contents as words. */
export class Parts {
  readonly list: readonly Part[]
  private readonly arena: Arena
  private readonly rows: number
  private scratch = new Int32Array(256)
  /** The words of the part that was last located: words[from, to), good until the next one. */
  words: Int32Array
  from = 0
  to = 0

  constructor({ arena, tables, ranges }: Heap) {
    this.arena = arena
    this.words = arena.words
    const rows = Object.entries(tables).flatMap(([table, { base, capacity, def }]) =>
      Array.from({ length: capacity }, (_, row) => {
        const words = def.words + 1
        return { table, row: row + 1, at: base + row * words, words }
      }),
    )
    this.rows = rows.length
    const names = Object.keys(ranges)
    this.list = [...rows, ...names.map((table) => ({ table, row: 0, at: 0, words: 0 }))]
  }

  /** Finds the words of a part as they are now. */
  locate(part: number): void {
    if (part < this.rows) {
      const { at, words } = this.list[part] as Part
      this.words = this.arena.words
      this.from = at
      this.to = at + words
      return
    }
    const store = this.storeOf(part)
    if (store.packedWords > this.scratch.length)
      this.scratch = new Int32Array(2 * store.packedWords)
    this.words = this.scratch
    this.from = 0
    this.to = store.pack(this.scratch, 0)
  }

  /** Makes a part what `locate` found once; not journaled, and the hash is not kept. */
  write(part: number, source: Int32Array, from: number): void {
    if (part >= this.rows) {
      this.storeOf(part).unpack(source, from)
      return
    }
    const { at, words } = this.list[part] as Part
    for (let i = 0; i < words; i++) this.arena.words[at + i] = source[from + i] as number
  }

  private storeOf(part: number): Store {
    return this.arena.stores[part - this.rows] as Store
  }
}
