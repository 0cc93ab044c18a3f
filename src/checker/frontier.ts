import { type Arena, packedWords, packInto, restoreHashed } from '../arena'

/** The packed states of one breadth-first level, with their hashes. */
export class Frontier {
  private words = new Int32Array(1 << 16)
  private ends = new Int32Array(1 << 10)
  private lo = new Int32Array(1 << 10)
  private hi = new Int32Array(1 << 10)
  length = 0

  clear(): void {
    this.length = 0
  }

  push(arena: Arena): void {
    const at = this.startOf(this.length)
    this.words = roomFor(this.words, at + packedWords(arena))
    this.ends = roomFor(this.ends, this.length + 1)
    this.lo = roomFor(this.lo, this.length + 1)
    this.hi = roomFor(this.hi, this.length + 1)
    this.ends[this.length] = packInto(arena, this.words, at)
    this.lo[this.length] = arena.hashLo
    this.hi[this.length] = arena.hashHi
    this.length += 1
  }

  /** Makes a state of the level the arena's, with an empty journal. */
  restore(arena: Arena, index: number): void {
    const lo = this.lo[index] as number
    const hi = this.hi[index] as number
    restoreHashed(arena, this.words, this.startOf(index), lo, hi)
  }

  private startOf(index: number): number {
    return index === 0 ? 0 : (this.ends[index - 1] as number)
  }
}

function roomFor(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= array.length) return array
  const bigger = new Int32Array(Math.max(length, array.length * 2))
  bigger.set(array)
  return bigger
}
