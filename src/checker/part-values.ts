/**
 * The contents that one part of the state has had, each kept once, under a number from 0.
 *
 * Two states agree in a part exactly if they have the same number there: contents are compared word
 * by word, and their hash only says where to look.
 */
export class PartValues {
  /** All contents, one behind the other. */
  words = new Int32Array(64)
  /** Where content n ends; it begins where the one before it ends. */
  private ends = new Int32Array(8)
  /** Open addressing: number + 1, or 0. At most half full. */
  private slots = new Int32Array(16)
  count = 0

  /** The number of the content `source[from, to)`, which is kept if it is new. */
  intern(source: Int32Array, from: number, to: number): number {
    const mask = this.slots.length - 1
    let slot = hashOf(source, from, to) & mask
    for (;;) {
      const number = (this.slots[slot] as number) - 1
      if (number < 0) break
      if (this.equals(number, source, from, to)) return number
      slot = (slot + 1) & mask
    }
    this.slots[slot] = this.count + 1
    return this.keep(source, from, to)
  }

  private equals(number: number, source: Int32Array, from: number, to: number): boolean {
    const start = this.startOf(number)
    const length = to - from
    if ((this.ends[number] as number) - start !== length) return false
    const { words } = this
    for (let i = 0; i < length; i++) if (words[start + i] !== source[from + i]) return false
    return true
  }

  get bytes(): number {
    return 4 * (this.words.length + this.ends.length + this.slots.length)
  }

  hashOf(number: number): number {
    return hashOf(this.words, this.startOf(number), this.ends[number] as number)
  }

  /** Where the words of a content begin. */
  startOf(number: number): number {
    return number === 0 ? 0 : (this.ends[number - 1] as number)
  }

  private keep(source: Int32Array, from: number, to: number): number {
    const number = this.count
    const start = this.startOf(number)
    this.words = roomFor(this.words, start + to - from)
    this.words.set(source.subarray(from, to), start)
    this.ends = roomFor(this.ends, number + 1)
    this.ends[number] = start + to - from
    this.count += 1
    if (this.count * 2 > this.slots.length) this.rehash()
    return number
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 2)
    const mask = slots.length - 1
    for (let number = 0; number < this.count; number++) {
      let slot = hashOf(this.words, this.startOf(number), this.ends[number] as number) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = number + 1
    }
    this.slots = slots
  }
}

function hashOf(words: Int32Array, from: number, to: number): number {
  let hash = to - from
  for (let i = from; i < to; i++) {
    hash = Math.imul(hash ^ (words[i] as number), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}

/** The array, or a bigger copy of it. */
export function roomFor<A extends Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(
  array: A,
  length: number,
): A {
  if (length <= array.length) return array
  const Typed = array.constructor as new (length: number) => A
  const bigger = new Typed(Math.max(length, array.length * 2))
  bigger.set(array)
  return bigger
}
