import type { StateTable } from './state-table'

/** States of one table for another: a row for each. */
export interface Letter {
  /** Numbers of contents in a row; the writer’s table may have had fewer columns, and then the last are 0. */
  readonly columns: number
  /** Of each state its hash, low and high, a set of properties, and the number of its content in each column. */
  readonly rows: Int32Array<ArrayBuffer>
}

/** Words of a row before its set of properties. */
const HASH = 2

/** Columns are reserved in so many at a time. */
const BLOCK = 16

/** What a row has before the numbers of its contents. */
export const headWords = (setWords: number): number => HASH + setWords

/** Rows that a letter has. */
export const rowsOf = ({ rows, columns }: Letter, setWords: number): number =>
  rows.length / (headWords(setWords) + columns)

/** A letter that is being written. */
export class LetterPad {
  private rows = new Int32Array(1 << 10)
  private count = 0
  private columns: number
  /** By the hash: the row that was written last, + 1. */
  private readonly last = new Int32Array(1 << 12)

  constructor(
    private readonly table: StateTable,
    private readonly setWords: number,
  ) {
    this.columns = blocks(table.changing.length)
  }

  /** Writes the state that the table has drafted, if it was not written lately; returns its row. */
  write(set: ArrayLike<number>): number {
    const { cells, draftLo, draftHi, changing } = this.table
    if (changing.length > this.columns) this.widen(blocks(changing.length))
    const { columns, setWords, last } = this
    const slot = draftLo & (last.length - 1)
    const before = (last[slot] as number) - 1
    const head = headWords(setWords)
    const words = head + columns
    if (before >= 0 && cells.isDraft(this.rows, before * words + head, changing.length))
      return before
    const row = this.count
    let at = row * words
    if (at + words > this.rows.length) this.grow(at + words)
    const { rows } = this
    rows[at++] = draftLo
    rows[at++] = draftHi
    for (let word = 0; word < setWords; word++) rows[at++] = set[word] as number
    cells.writeDraft(rows, at, changing.length)
    last[slot] = row + 1
    this.count += 1
    return row
  }

  /** What was written since the last time. */
  seal(): Letter {
    const { rows, columns, count, setWords } = this
    this.count = 0
    this.last.fill(0)
    return { columns, rows: rows.slice(0, count * (headWords(setWords) + columns)) }
  }

  private grow(words: number): void {
    const rows = new Int32Array(Math.max(words, 2 * this.rows.length))
    rows.set(this.rows)
    this.rows = rows
  }

  private widen(columns: number): void {
    const head = headWords(this.setWords)
    const before = head + this.columns
    const rows = new Int32Array(this.rows.length + this.count * (columns - this.columns))
    for (let row = 0; row < this.count; row++)
      rows.set(this.rows.subarray(row * before, (row + 1) * before), row * (head + columns))
    this.rows = rows
    this.columns = columns
  }
}

const blocks = (columns: number): number => Math.ceil(columns / BLOCK) * BLOCK
