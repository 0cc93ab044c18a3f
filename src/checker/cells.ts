type Narrow = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>

const widths = [Uint8Array, Uint16Array, Int32Array] as const
const limits = [0xff, 0xffff, 0x7fffffff] as const

/**
 * Rows of small whole numbers, in as few bytes a number as the largest of them needs, and one row
 * more, the draft, which is compared with them four bytes at a time.
 */
export class Cells {
  /** Which of `widths` a number has. */
  private width = 0
  /** Numbers in a row: a multiple of four. */
  private stride = 16
  private capacity = 1 << 10
  private numbers: Narrow = new Uint8Array(this.stride * this.capacity)
  private words = new Int32Array(this.numbers.buffer)
  private draftNumbers: Narrow = new Uint8Array(this.stride)
  private draftWords = new Int32Array(this.draftNumbers.buffer)

  get(row: number, column: number): number {
    return this.numbers[row * this.stride + column] as number
  }

  copyToDraft(row: number): void {
    const { draftWords, words } = this
    const { length } = draftWords
    const at = row * length
    for (let i = 0; i < length; i++) draftWords[i] = words[at + i] as number
  }

  draft(column: number, value: number): void {
    while (value > (limits[this.width] as number)) this.rebuild(this.width + 1, this.stride)
    this.draftNumbers[column] = value
  }

  /** True if the row is what the draft is. */
  isRow(row: number): boolean {
    const { draftWords, words } = this
    const { length } = draftWords
    const at = row * length
    for (let i = 0; i < length; i++) if (words[at + i] !== draftWords[i]) return false
    return true
  }

  /** Writes down so many numbers of the draft. */
  writeDraft(target: Int32Array, at: number, columns: number): void {
    for (let i = 0; i < columns; i++) target[at + i] = this.draftNumbers[i] as number
  }

  /** True if so many numbers of the draft are written there. */
  isDraft(source: Int32Array, at: number, columns: number): boolean {
    for (let i = 0; i < columns; i++) if (source[at + i] !== this.draftNumbers[i]) return false
    return true
  }

  /** Makes the draft a row. */
  keepDraft(row: number): void {
    if (row >= this.capacity) {
      this.capacity *= 2
      this.rebuild(this.width, this.stride)
    }
    this.words.set(this.draftWords, row * this.draftWords.length)
  }

  /** Makes room for so many columns; new ones are 0 everywhere. */
  reserve(columns: number): void {
    if (columns > this.stride) this.rebuild(this.width, this.stride + 16)
  }

  get bytes(): number {
    return this.numbers.byteLength
  }

  private rebuild(width: number, stride: number): void {
    const Typed = widths[width] as (typeof widths)[number]
    const numbers = new Typed(stride * this.capacity)
    if (stride === this.stride) numbers.set(this.numbers)
    else
      for (let row = 0; row * this.stride < this.numbers.length; row++)
        numbers.set(this.numbers.subarray(row * this.stride, (row + 1) * this.stride), row * stride)
    const draft = new Typed(stride)
    draft.set(this.draftNumbers)
    this.width = width
    this.stride = stride
    this.numbers = numbers
    this.words = new Int32Array(numbers.buffer)
    this.draftNumbers = draft
    this.draftWords = new Int32Array(draft.buffer)
  }
}
