import type { Arena, Journal, Store } from './arena'
import { highWord, lowWord, wideOf } from './fields'

/** Consecutive keys [start, end) that share one row of words. */
export interface Run {
  readonly start: number
  readonly end: number
  readonly words: Int32Array
}

const SPLICE = 1
const ASSIGN = 0
const KEY_WORDS = 4

/**
 * Sorted, disjoint runs in parallel arrays, with the journal entries that undo their changes.
 *
 * Keys are in Float64Arrays, exact to 2^53. The two kinds of change are `assign` (one word of one
 * run) and `splice` (some runs by others); what splits and merges runs is `RangeTable`.
 */
export class RunStore implements Store {
  count = 0
  starts = new Float64Array(4)
  ends = new Float64Array(4)
  words: Int32Array

  constructor(
    private readonly arena: Arena,
    /** This store's number among `arena.stores`. */
    readonly number: number,
    /** Words of a row. */
    readonly width: number,
  ) {
    this.words = new Int32Array(4 * width)
  }

  /** Index of the first run that ends behind `key`; the run contains the key if it starts at or before it. */
  search(key: number): number {
    const { ends } = this
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ends[middle] as number) > key) high = middle
      else low = middle + 1
    }
    return low
  }

  run(index: number): Run {
    return {
      start: this.starts[index] as number,
      end: this.ends[index] as number,
      words: this.words.slice(index * this.width, (index + 1) * this.width),
    }
  }

  assign(index: number, offset: number, value: number): void {
    const at = index * this.width + offset
    const old = this.words[at] as number
    const salt = this.saltOf(this.starts[index] as number)
    this.arena.mix(salt + offset, old)
    this.arena.mix(salt + offset, value)
    this.words[at] = value
    const { journal } = this.arena
    journal.push(old)
    journal.push(at)
    journal.push(ASSIGN)
    journal.push(~this.number)
  }

  splice(index: number, removed: number, inserted: readonly Run[]): void {
    const { journal } = this.arena
    for (let i = index; i < index + removed; i++) {
      this.mixRun(i)
      this.journalRun(journal, i)
    }
    journal.push(removed)
    journal.push(inserted.length)
    journal.push(index)
    journal.push(SPLICE)
    journal.push(~this.number)
    this.move(index, removed, inserted)
    for (let i = index; i < index + inserted.length; i++) this.mixRun(i)
  }

  undo(journal: Journal): void {
    if (journal.pop() === ASSIGN) {
      const at = journal.pop()
      this.words[at] = journal.pop()
      return
    }
    const index = journal.pop()
    const inserted = journal.pop()
    const removed = journal.pop()
    const runs: Run[] = Array.from({ length: removed })
    for (let i = removed - 1; i >= 0; i--) runs[i] = this.popRun(journal)
    this.move(index, inserted, runs)
  }

  entryStart(journal: Journal, end: number): number {
    if (journal.words[end - 1] === ASSIGN) return end - 3
    const removed = journal.words[end - 4] as number
    return end - 4 - removed * (KEY_WORDS + this.width)
  }

  /** Takes every run's share into the hash: for a hash from scratch. */
  mixAll(): void {
    for (let i = 0; i < this.count; i++) this.mixRun(i)
  }

  clone(): RunStore {
    const copy = new RunStore(this.arena, this.number, this.width)
    copy.count = this.count
    copy.starts = this.starts.slice()
    copy.ends = this.ends.slice()
    copy.words = this.words.slice()
    return copy
  }

  get packedWords(): number {
    return 1 + this.count * (KEY_WORDS + this.width)
  }

  /** Writes count and runs at `at`; returns the address behind them. Equal stores give equal words. */
  pack(target: Int32Array, at: number): number {
    target[at] = this.count
    let next = at + 1
    for (let i = 0; i < this.count; i++) {
      next = writeKey(target, next, this.starts[i] as number)
      next = writeKey(target, next, this.ends[i] as number)
      for (let word = i * this.width; word < (i + 1) * this.width; word++)
        target[next++] = this.words[word] as number
    }
    return next
  }

  /** Reads what `pack` wrote; not journaled. */
  unpack(source: Int32Array, at: number): number {
    this.count = source[at] as number
    this.reserve(this.count)
    let next = at + 1
    for (let i = 0; i < this.count; i++) {
      this.starts[i] = wideOf(source[next] as number, source[next + 1] as number)
      this.ends[i] = wideOf(source[next + 2] as number, source[next + 3] as number)
      next += KEY_WORDS
      for (let word = i * this.width; word < (i + 1) * this.width; word++)
        this.words[word] = source[next++] as number
    }
    return next
  }

  private saltOf(start: number): number {
    return (
      Math.imul(lowWord(start), 0x9e3779b1) +
      Math.imul(highWord(start) + 1, 0x85ebca77) +
      Math.imul(this.number + 1, 0x632be5ab)
    )
  }

  /** A run's share in the hash hangs on its keys and words, not on where it lies. */
  private mixRun(index: number): void {
    const { arena, words, width } = this
    const salt = this.saltOf(this.starts[index] as number)
    for (let offset = 0; offset < width; offset++)
      arena.mix(salt + offset, words[index * width + offset] as number)
    const end = this.ends[index] as number
    arena.mix(salt - 1, lowWord(end))
    arena.mix(salt - 2, highWord(end) + 1)
  }

  private journalRun(journal: Journal, index: number): void {
    const start = this.starts[index] as number
    const end = this.ends[index] as number
    for (let word = index * this.width; word < (index + 1) * this.width; word++)
      journal.push(this.words[word] as number)
    journal.push(lowWord(end))
    journal.push(highWord(end))
    journal.push(lowWord(start))
    journal.push(highWord(start))
  }

  private popRun(journal: Journal): Run {
    const start = popKey(journal)
    const end = popKey(journal)
    const words = new Int32Array(this.width)
    for (let word = this.width - 1; word >= 0; word--) words[word] = journal.pop()
    return { start, end, words }
  }

  private move(index: number, removed: number, inserted: readonly Run[]): void {
    const { width } = this
    const count = this.count - removed + inserted.length
    this.reserve(count)
    const from = index + removed
    const to = index + inserted.length
    if (from !== to) {
      this.starts.copyWithin(to, from, this.count)
      this.ends.copyWithin(to, from, this.count)
      this.words.copyWithin(to * width, from * width, this.count * width)
    }
    inserted.forEach((run, i) => {
      this.starts[index + i] = run.start
      this.ends[index + i] = run.end
      this.words.set(run.words, (index + i) * width)
    })
    this.count = count
  }

  private reserve(count: number): void {
    if (count <= this.starts.length) return
    const capacity = Math.max(count, this.starts.length * 2)
    this.starts = grown(this.starts, new Float64Array(capacity))
    this.ends = grown(this.ends, new Float64Array(capacity))
    this.words = grown(this.words, new Int32Array(capacity * this.width))
  }
}

function grown<A extends Float64Array | Int32Array>(old: A, bigger: A): A {
  bigger.set(old as never)
  return bigger
}

function writeKey(target: Int32Array, at: number, key: number): number {
  target[at] = lowWord(key)
  target[at + 1] = highWord(key)
  return at + 2
}

function popKey(journal: Journal): number {
  const high = journal.pop()
  return wideOf(journal.pop(), high)
}
