/** A set of 64-bit hashes in two arrays of words: open addressing, doubled when half full. */
export class HashSet {
  private lo = new Int32Array(1 << 16)
  private hi = new Int32Array(1 << 16)
  size = 0

  /** True if the hash was not in the set. The hash 0 would look like an empty slot, and is kept as 1. */
  add(lo: number, hi: number): boolean {
    const low = (lo | hi) === 0 ? 1 : lo
    if (!insert(this.lo, this.hi, low, hi)) return false
    this.size += 1
    if (this.size * 2 > this.lo.length) this.grow()
    return true
  }

  private grow(): void {
    const lo = new Int32Array(this.lo.length * 2)
    const hi = new Int32Array(this.hi.length * 2)
    for (let i = 0; i < this.lo.length; i++) {
      const low = this.lo[i] as number
      const high = this.hi[i] as number
      if ((low | high) !== 0) insert(lo, hi, low, high)
    }
    this.lo = lo
    this.hi = hi
  }
}

function insert(los: Int32Array, his: Int32Array, lo: number, hi: number): boolean {
  const mask = los.length - 1
  let i = (lo ^ hi) & mask
  while (((los[i] as number) | (his[i] as number)) !== 0) {
    if (los[i] === lo && his[i] === hi) return false
    i = (i + 1) & mask
  }
  los[i] = lo
  his[i] = hi
  return true
}
