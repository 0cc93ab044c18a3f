import type { Letter } from './letter'
import type { StateTable } from './state-table'

/** What another table must know to read the rows of one: what came since the last time, in order. */
export interface News {
  /** Parts that have got a column. */
  readonly parts: Int32Array<ArrayBuffer>
  /** Contents that have got a number in their column: column, length and words of each. */
  readonly contents: Int32Array<ArrayBuffer>
  readonly texts: readonly (readonly [text: string, word: number])[]
}

/** Tells of a table: what its columns and numbers stand for. */
export class Telling {
  private columns = 0
  private readonly told: number[] = []
  private texts = 0

  constructor(private readonly table: StateTable) {}

  /** What there is to tell since the last time. */
  news(): News {
    const { arena, changing } = this.table
    const parts = Int32Array.from(changing.slice(this.columns))
    this.columns = changing.length
    const texts = arena.texts.entries.slice(this.texts)
    this.texts += texts.length
    return { parts, contents: Int32Array.from(this.contents()), texts }
  }

  private contents(): number[] {
    const news: number[] = []
    this.table.values.forEach((values, column) => {
      for (let number = this.told[column] ?? 0; number < values.count; number++) {
        const from = values.startOf(number)
        const to = values.startOf(number + 1)
        news.push(column, to - from)
        for (let at = from; at < to; at++) news.push(values.words[at] as number)
      }
      this.told[column] = values.count
    })
    return news
  }
}

/** Reads the rows of another table into one’s own, by their contents and never by their hash. */
export class Hearing {
  /** One’s own column for each of the other’s. */
  private readonly columns: number[] = []
  /** For each of the other’s columns, one’s own number for each of the other’s. */
  private readonly numbers: number[][] = []

  constructor(private readonly table: StateTable) {}

  /** Throws where a text has another word here: two texts with one hash came in another order. */
  hear({ parts, contents, texts }: News): void {
    const { table } = this
    for (const [text, word] of texts)
      if (table.arena.texts.word(text) !== word)
        throw new Error(`the text "${text}" has another word in another worker`)
    for (const part of parts) {
      this.columns.push(table.columnFor(part))
      this.numbers.push([])
    }
    for (let at = 0; at < contents.length; ) {
      const column = contents[at] as number
      const from = at + 2
      const to = from + (contents[at + 1] as number)
      const number = table.values[this.columns[column] as number]?.intern(contents, from, to)
      this.numbers[column]?.push(number as number)
      at = to
    }
  }

  /** One’s own number of the state that is a row of a letter; `head`: what a row has before its contents. */
  find({ rows, columns }: Letter, index: number, head: number): number {
    const { table, numbers } = this
    const at = index * (head + columns)
    table.draftFirst(rows[at] as number, rows[at + 1] as number)
    for (let i = 0; i < this.columns.length && i < columns; i++) {
      const number = rows[at + head + i] as number
      // The first content is the same everywhere, and drafted.
      if (number > 0)
        table.cells.draft(this.columns[i] as number, (numbers[i] as number[])[number] as number)
    }
    return table.findDraft()
  }
}
