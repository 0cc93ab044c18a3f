import { type Arena, type Heap, hashFromScratch, Parts } from '../arena'
import { Cells } from './cells'
import { PartValues, roomFor } from './part-values'

/** How a state differs from another one: the same difference leads from many states to as many others. */
export interface Difference {
  /** Columns of the parts that differ, and the numbers of the contents that they have. */
  readonly columns: readonly number[]
  readonly values: readonly number[]
  /** What was written, if only with what was there. */
  readonly places: Int32Array
  /** What is exclusive-ored into the hash. */
  readonly hashLo: number
  readonly hashHi: number
}

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
  size = 0
  readonly cells = new Cells()
  private readonly columns: Int32Array
  private readonly initial: readonly Int32Array[]
  private lo = new Int32Array(1 << 10)
  private hi = new Int32Array(1 << 10)
  /** By the low half of the hash: six bits of the high half, and the state’s number + 1. At most half full. */
  private slots = new Int32Array(1 << 12)
  private current = 0
  /** The hash of the state that is drafted. */
  draftLo = 0
  draftHi = 0

  /** The first state is the one that the heap is in; the journal is forgotten. */
  constructor(heap: Heap) {
    this.arena = heap.arena
    this.arena.journal.length = 0
    const [hashLo, hashHi] = hashFromScratch(this.arena)
    this.arena.hashLo = hashLo
    this.arena.hashHi = hashHi
    const parts = new Parts(heap)
    this.parts = parts
    this.columns = new Int32Array(parts.list.length).fill(-1)
    this.initial = parts.list.map((_, part) => {
      parts.locate(part)
      return parts.words.slice(parts.from, parts.to)
    })
    this.push(hashLo, hashHi)
  }

  /** How the arena, as its journal tells, differs from the state that was loaded. */
  difference(): Difference {
    const { arena, parts, current } = this
    const places = arena.touched().slice()
    const columns: number[] = []
    const values: number[] = []
    for (const part of new Set(Array.from(places, (place) => arena.partOf[place] as number))) {
      const column = this.columnFor(part)
      parts.locate(part)
      const value = this.contents(column).intern(parts.words, parts.from, parts.to)
      if (value === this.cells.get(current, column)) continue
      columns.push(column)
      values.push(value)
    }
    const hashLo = arena.hashLo ^ (this.lo[current] as number)
    const hashHi = arena.hashHi ^ (this.hi[current] as number)
    return { columns, values, places, hashLo, hashHi }
  }

  /** The number of the state that a difference leads to. One that was not there before gets what `size` was. */
  follow(from: number, difference: Difference): number {
    this.draft(from, difference)
    return this.findDraft()
  }

  /** Drafts the state that a difference leads to. */
  draft(from: number, { columns, values, hashLo, hashHi }: Difference): void {
    this.cells.copyToDraft(from)
    for (let i = 0; i < columns.length; i++)
      this.cells.draft(columns[i] as number, values[i] as number)
    this.draftLo = (this.lo[from] as number) ^ hashLo
    this.draftHi = (this.hi[from] as number) ^ hashHi
  }

  /** Drafts a state that is there. */
  draftAgain(number: number): void {
    this.cells.copyToDraft(number)
    this.draftLo = this.lo[number] as number
    this.draftHi = this.hi[number] as number
  }

  /** Drafts the first state, under the hash of one that the caller makes of it. */
  draftFirst(hashLo: number, hashHi: number): void {
    this.cells.copyToDraft(0)
    this.draftLo = hashLo
    this.draftHi = hashHi
  }

  /** The number of the state that is drafted. */
  findDraft(): number {
    const { slots, cells, draftLo, draftHi } = this
    const mask = slots.length - 1
    const tag = tagOf(draftHi)
    let slot = draftLo & mask
    for (;;) {
      const entry = slots[slot] as number
      if (entry === 0) return this.push(draftLo, draftHi)
      const number = (entry & NUMBER) - 1
      if ((entry & ~NUMBER) === tag && cells.isRow(number)) return number
      slot = (slot + 1) & mask
    }
  }

  /** The column of a part, which has one from now on. */
  columnFor(part: number): number {
    return this.columnOf(part) ?? this.addColumn(part)
  }

  /** The column of a part that was ever changed. */
  columnOf(part: number): number | undefined {
    const column = this.columns[part] as number
    return column < 0 ? undefined : column
  }

  /** The number of the content that a column’s part has in a state. */
  cell(number: number, column: number): number {
    return this.cells.get(number, column)
  }

  contents(column: number): PartValues {
    return this.values[column] as PartValues
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
    const column = this.columnOf(part)
    return column === undefined ? 0 : this.cells.get(number, column)
  }

  /** The parts that are not the same in all states, in their order: one may be written, and as before. */
  get varying(): number[] {
    return this.changing
      .filter((_, column) => this.contents(column).count > 1)
      .sort((a, b) => a - b)
  }

  /** The word of a table that lies at an address, in a state. */
  word(number: number, address: number): number {
    const part = this.arena.partOf[address] as number
    const offset = address - (this.parts.list[part]?.at as number)
    const column = this.columnOf(part)
    if (column === undefined) return (this.initial[part] as Int32Array)[offset] as number
    const values = this.contents(column)
    return values.words[values.startOf(this.cells.get(number, column)) + offset] as number
  }

  /** True if the part has anything in it in some state: a row that is taken, or a run. */
  isEverThere(part: number): boolean {
    const column = this.columnOf(part)
    const [first] = this.initial[part] as Int32Array
    if (first !== 0 || column === undefined) return first !== 0
    const values = this.contents(column)
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
    this.columns[part] = column
    return column
  }
}

/** The bits of a slot that hold a state's number + 1; those above are the tag. */
const NUMBER = (1 << 26) - 1

/** States that one table can hold. */
export const MAX_STATES = NUMBER - 1

const tagOf = (hi: number): number => hi & ~NUMBER
