import type { Arena, Part } from '../arena'
import { PartValues, roomFor } from './part-values'
import type { StateTable } from './state-table'

/** Some words of a part: contents that agree in them have one number. */
class Lens {
  /** By the number of the content: the number that it has here, + 1; 0 where it was not looked at yet. */
  private numbers: number[] = []
  private readonly seen = new PartValues()
  private readonly scratch: Int32Array

  constructor(
    private readonly contents: PartValues,
    private readonly offsets: readonly number[],
  ) {
    this.scratch = new Int32Array(offsets.length)
  }

  numberOf(value: number): number {
    return (this.numbers[value] || this.look(value)) - 1
  }

  private look(value: number): number {
    const { contents, offsets, scratch } = this
    const start = contents.startOf(value)
    offsets.forEach((offset, i) => {
      scratch[i] = contents.words[start + offset] as number
    })
    while (this.numbers.length <= value) this.numbers.push(0)
    const number = this.seen.intern(scratch, 0, scratch.length) + 1
    this.numbers[value] = number
    return number
  }
}

/** What the memos of one search share. */
export class Memory {
  readonly noted: Uint8Array
  /** Bytes that the memos take, about. */
  bytes = 0
  /** Room for the key of a memo. */
  key = new Int32Array(1 << 6)
  private readonly lenses = new Map<string, Lens>()

  constructor(
    readonly arena: Arena,
    readonly table: StateTable,
  ) {
    this.noted = new Uint8Array(arena.reads.length)
  }

  /** What is written anew is the whole part: the rest of it is what was there. */
  lookAtParts(moves: readonly { readonly columns: readonly number[] }[]): void {
    const { table, arena } = this
    for (const { columns } of moves)
      for (const column of columns) {
        const { at, words } = table.parts.list[table.changing[column] as number] as Part
        arena.reads.fill(1, at, at + words)
      }
  }

  /** How the content of a part is looked at where only these words matter; undefined: as a whole. */
  lens(part: number, column: number, offsets: ReadonlySet<number>): Lens | undefined {
    const { table } = this
    const { words = 0 } = table.parts.list[part] ?? {}
    if (offsets.size >= words) return undefined
    const sorted = [...offsets].sort((a, b) => a - b)
    const key = `${part} ${sorted.join()}`
    let lens = this.lenses.get(key)
    if (lens === undefined) {
      lens = new Lens(table.contents(column), sorted)
      this.lenses.set(key, lens)
    }
    return lens
  }
}

/**
 * The answers to one question about states, by what the question looked at.
 *
 * While it is asked, the arena notes the places that it looks at. Two states that agree in all places
 * that it ever looked at have the same answer: it is asked of one of them only. Exact: what is compared
 * are contents, and where the question looks at a new place, it forgets what it knew.
 */
export class Memo<T> {
  /** By part: the offsets of the words that were ever looked at. */
  private readonly offsets = new Map<number, Set<number>>()
  private columns: number[] = []
  private lenses: (Lens | undefined)[] = []
  private keys = new PartValues()
  private answers: T[] = []
  /** As many columns as there were when the question’s own were found; -1: a place is new. */
  private columnsKnown = -1

  /** `given`: places whose content is the same whenever this is asked. `reads`: 1 is noted for each place. */
  constructor(
    private readonly memory: Memory,
    private readonly given?: Uint8Array,
    private readonly reads?: Uint8Array,
  ) {}

  /** The answer for a state, if it is known. */
  known(state: number): T | undefined {
    // The key first: finding it may forget the answers.
    const key = this.keyOf(state)
    return this.answers[key]
  }

  /** The answer for a state for which it is not known; `ask` makes the arena that state, and asks. */
  learn(state: number, ask: () => T): T {
    const { arena, noted } = this.memory
    const { reads } = arena
    arena.reads = noted
    const answer = ask()
    arena.reads = reads
    for (let place = noted.indexOf(1); place >= 0; place = noted.indexOf(1, place + 1)) {
      noted[place] = 0
      this.look(place)
    }
    const key = this.keyOf(state)
    this.answers[key] = answer
    this.memory.bytes += 64 + 8 * this.columns.length
    return answer
  }

  /** Takes a place among those that matter. */
  look(place: number): void {
    if (this.reads !== undefined) this.reads[place] = 1
    if (this.given?.[place] === 1) return
    const { arena, table } = this.memory
    const part = arena.partOf[place] as number
    const offset = place - (table.parts.list[part]?.at as number)
    const offsets = this.offsets.get(part) ?? new Set()
    if (offsets.has(offset)) return
    this.offsets.set(part, offsets.add(offset))
    this.columnsKnown = -1
  }

  private keyOf(state: number): number {
    const { table } = this.memory
    if (this.columnsKnown !== table.changing.length) this.findColumns()
    const { columns, lenses } = this
    const { key } = this.memory
    const { length } = columns
    if (length === 0) return 0
    for (let i = 0; i < length; i++) {
      const value = table.cell(state, columns[i] as number)
      const lens = lenses[i]
      key[i] = lens === undefined ? value : lens.numberOf(value)
    }
    return this.keys.intern(key, 0, length)
  }

  /** Parts that never changed are the same in all states. */
  private findColumns(): void {
    const { table } = this.memory
    const columns: number[] = []
    const lenses: (Lens | undefined)[] = []
    for (const [part, offsets] of this.offsets) {
      const column = table.columnOf(part)
      if (column === undefined) continue
      columns.push(column)
      lenses.push(this.memory.lens(part, column, offsets))
    }
    this.columnsKnown = table.changing.length
    this.memory.key = roomFor(this.memory.key, columns.length)
    const isSame =
      columns.length === this.columns.length &&
      columns.every((column, i) => column === this.columns[i] && lenses[i] === this.lenses[i])
    if (isSame) return
    this.columns = columns
    this.lenses = lenses
    this.keys = new PartValues()
    this.answers = []
  }
}
