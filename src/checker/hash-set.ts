/**
 * A set of 64-bit hashes: open addressing, doubled when half full. The two words of a hash lie side by
 * side, so that a look-up costs one miss of the cache.
 */
export class HashSet {
  private slots = new Int32Array(1 << 17)
  size = 0

  /** True if the hash was not in the set. The hash 0 would look like an empty slot, and is kept as 1. */
  add(lo: number, hi: number): boolean {
    if (!insert(this.slots, (lo | hi) === 0 ? 1 : lo, hi)) return false
    this.size += 1
    if (this.size * 4 > this.slots.length) this.grow()
    return true
  }

  private grow(): void {
    const old = this.slots
    this.slots = new Int32Array(old.length * 2)
    for (let i = 0; i < old.length; i += 2) {
      const lo = old[i] as number
      const hi = old[i + 1] as number
      if ((lo | hi) !== 0) insert(this.slots, lo, hi)
    }
  }
}

function insert(slots: Int32Array, lo: number, hi: number): boolean {
  const mask = slots.length - 2
  let i = ((lo ^ hi) << 1) & mask
  while (((slots[i] as number) | (slots[i + 1] as number)) !== 0) {
    if (slots[i] === lo && slots[i + 1] === hi) return false
    i = (i + 2) & mask
  }
  slots[i] = lo
  slots[i + 1] = hi
  return true
}
