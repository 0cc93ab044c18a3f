import { type Arena, type Heap, hashFromScratch, Parts } from '../arena'
import { Cells } from './cells'
import { PartValues, roomFor } from './part-values'

/**
 * The states that were reached, each once, and told apart exactly.
 *
 * A state is a row of numbers, one for each part that was ever changed: the number of the content that
 * the part has there. Parts that no step changed are the same everywhere and cost nothing. The 64-bit
 * hash of the state says where to look; what is found there is compared, part by part, so that two
 * states with one hash are two states.
 */
export class StateTable {
  readonly arena: Arena
  readonly parts: Parts
  /** Parts that were ever changed, in the order in which that was seen; a state has a number for each. */
  readonly changing: number[] = []
  readonly values: PartValues[] = []
  /** The first places of this list, `changedCount` of them, were written since a state was loaded. */
  changed = new Int32Array(1 << 10)
  changedCount = 0
  size = 0
  private readonly cells = new Cells()
  private readonly columnOf: Int32Array
  private readonly initial: readonly Int32Array[]
  private lo = new Int32Array(1 << 10)
  private hi = new Int32Array(1 << 10)
  /** By the low half of the hash: six bits of the high half, and the state’s number + 1. At most half full. */
  private slots = new Int32Array(1 << 12)
  private current = 0

  /** The first state is the one that the heap is in; the journal is forgotten. */
  constructor(heap: Heap) {
    this.arena = heap.arena
    this.arena.journal.length = 0
    const [hashLo, hashHi] = hashFromScratch(this.arena)
    this.arena.hashLo = hashLo
    this.arena.hashHi = hashHi
    const parts = new Parts(heap)
    this.parts = parts
    this.columnOf = new Int32Array(parts.list.length).fill(-1)
    this.initial = parts.list.map((_, part) => {
      parts.locate(part)
      return parts.words.slice(parts.from, parts.to)
    })
    this.push(hashLo, hashHi)
  }

  /**
   * The number of the state that the arena is in, whose journal tells how it differs from the state
   * that was loaded. A state that was not there before gets the number that `size` was.
   */
  find(): number {
    this.describe()
    return this.findDraft(this.arena.hashLo, this.arena.hashHi)
  }

  /**
   * The same of a state that another table tells of: the numbers of its contents, in these columns; the
   * other columns are as they were in the first state.
   */
  findRow(
    hashLo: number,
    hashHi: number,
    columns: readonly number[],
    numbers: readonly number[],
  ): number {
    this.cells.copyToDraft(0)
    columns.forEach((column, i) => {
      this.cells.draft(column, numbers[i] as number)
    })
    return this.findDraft(hashLo, hashHi)
  }

  /** Writes a state down for another table: its hash, and the number of its content in every column. */
  writeRow(number: number, target: Int32Array, at: number): void {
    target[at] = this.lo[number] as number
    target[at + 1] = this.hi[number] as number
    for (let column = 0; column < this.changing.length; column++)
      target[at + 2 + column] = this.cells.get(number, column)
  }

  /** The column of a part, which has one from now on. */
  columnFor(part: number): number {
    const column = this.columnOf[part] as number
    return column < 0 ? this.addColumn(part) : column
  }

  /** Makes a state the arena's, with an empty journal; what was done since the last time is undone. */
  load(number: number): void {
    const { arena, parts, changing, cells } = this
    arena.undo(0, 0, 0)
    for (let column = 0; column < changing.length; column++) {
      const value = cells.get(number, column)
      if (value === cells.get(this.current, column)) continue
      const values = this.values[column] as PartValues
      parts.write(changing[column] as number, values.words, values.startOf(value))
    }
    this.current = number
    arena.hashLo = this.lo[number] as number
    arena.hashHi = this.hi[number] as number
  }

  /** The number of the content that a part has in a state; parts that never change have 0. */
  valueOf(number: number, part: number): number {
    const column = this.columnOf[part] as number
    return column < 0 ? 0 : this.cells.get(number, column)
  }

  /** The parts that are not the same in all states, in their order: one may be written, and as before. */
  get varying(): number[] {
    const isVarying = (part: number) => (this.values[this.columnOf[part] as number]?.count ?? 0) > 1
    return this.changing.filter(isVarying).sort((a, b) => a - b)
  }

  /** The word of a table that lies at an address, in a state. */
  word(number: number, address: number): number {
    const part = this.arena.partOf[address] as number
    const offset = address - (this.parts.list[part]?.at as number)
    const column = this.columnOf[part] as number
    if (column < 0) return (this.initial[part] as Int32Array)[offset] as number
    const values = this.values[column] as PartValues
    return values.words[values.startOf(this.cells.get(number, column)) + offset] as number
  }

  /** True if the part has anything in it in some state: a row that is taken, or a run. */
  isEverThere(part: number): boolean {
    const column = this.columnOf[part] as number
    const [first] = this.initial[part] as Int32Array
    if (first !== 0 || column < 0) return first !== 0
    const values = this.values[column] as PartValues
    for (let value = 0; value < values.count; value++)
      if (values.words[values.startOf(value)] !== 0) return true
    return false
  }

  /** Bytes that the states take. */
  get bytes(): number {
    const { lo, hi, slots, cells } = this
    const values = this.values.reduce((sum, { bytes }) => sum + bytes, 0)
    return 4 * (lo.length + hi.length + slots.length) + cells.bytes + values
  }

  /** Makes the draft row that of the arena's state: the one of the loaded state, where no part changed. */
  private describe(): void {
    const { arena, cells, parts } = this
    cells.copyToDraft(this.current)
    this.changed = roomFor(this.changed, arena.journal.length)
    this.changedCount = arena.touched(this.changed)
    let last = -1
    for (let i = 0; i < this.changedCount; i++) {
      const part = arena.partOf[this.changed[i] as number] as number
      if (part === last) continue
      last = part
      const column = this.columnFor(part)
      parts.locate(part)
      const values = this.values[column] as PartValues
      cells.draft(column, values.intern(parts.words, parts.from, parts.to))
    }
  }

  private findDraft(hashLo: number, hashHi: number): number {
    const { slots, cells } = this
    const mask = slots.length - 1
    const tag = tagOf(hashHi)
    let slot = hashLo & mask
    for (;;) {
      const entry = slots[slot] as number
      if (entry === 0) return this.push(hashLo, hashHi)
      const number = (entry & NUMBER) - 1
      if ((entry & ~NUMBER) === tag && cells.isRow(number)) return number
      slot = (slot + 1) & mask
    }
  }

  private push(hashLo: number, hashHi: number): number {
    const number = this.size
    if (number === this.lo.length) {
      this.lo = roomFor(this.lo, number + 1)
      this.hi = roomFor(this.hi, number + 1)
    }
    this.cells.keepDraft(number)
    this.lo[number] = hashLo
    this.hi[number] = hashHi
    this.size += 1
    this.insert(number)
    if (this.size * 2 > this.slots.length) this.rehash()
    return number
  }

  private insert(number: number): void {
    const { slots } = this
    const mask = slots.length - 1
    let slot = (this.lo[number] as number) & mask
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = tagOf(this.hi[number] as number) | (number + 1)
  }

  private rehash(): void {
    this.slots = new Int32Array(this.slots.length * 2)
    for (let number = 0; number < this.size; number++) this.insert(number)
  }

  /** A part changes for the first time: in all states before, it has its first content. */
  private addColumn(part: number): number {
    const column = this.changing.length
    this.cells.reserve(column + 1)
    const values = new PartValues()
    const words = this.initial[part] as Int32Array
    values.intern(words, 0, words.length)
    this.changing.push(part)
    this.values.push(values)
    this.columnOf[part] = column
    return column
  }
}

/** The bits of a slot that hold a state's number + 1; those above are the tag. */
const NUMBER = (1 << 26) - 1

/** States that one table can hold. */
export const MAX_STATES = NUMBER - 1

const tagOf = (hi: number): number => hi & ~NUMBER
