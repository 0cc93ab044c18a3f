import { TextPool } from './text-pool'

/** A place in the journal and the hash that belongs to it: all that undo needs. */
export interface Mark {
  readonly length: number
  readonly hashLo: number
  readonly hashHi: number
}

/** A part of the heap that keeps its own rows and undoes its own journal entries. */
export interface Store {
  /** Takes this store's last journal entry back; the payload lies below `journal.length`. */
  undo(journal: Journal): void
  /** Where the entry begins whose payload ends before \`end\`. */
  entryStart(journal: Journal, end: number): number
  /** Words that `pack` writes now. Equal contents give equal words. */
  readonly packedWords: number
  /** Writes the contents at an address; returns the one behind them. */
  pack(target: Int32Array, at: number): number
  /** Reads what `pack` wrote; not journaled. */
  unpack(source: Int32Array, at: number): number
}

/**
 * Old values, newest last. A write of a word is (old value, address ≥ 0); an entry of a store is its
 * payload and then the complement of the store's number, which is negative.
 */
export class Journal {
  words = new Int32Array(1024)
  length = 0

  push(word: number): void {
    if (this.length === this.words.length) this.grow()
    this.words[this.length++] = word
  }

  pop(): number {
    this.length -= 1
    return this.words[this.length] as number
  }

  clone(): Journal {
    const copy = new Journal()
    copy.words = this.words.slice()
    copy.length = this.length
    return copy
  }

  private grow(): void {
    const bigger = new Int32Array(this.words.length * 2)
    bigger.set(this.words)
    this.words = bigger
  }
}

/**
 * The words of all tables in one array, the journal of what they were, and the hash of what they are.
 *
 * Every change of the heap goes through `write` here or through a store's own journaled splice; there
 * is no other way, and that is what makes undo, time travel, highlighting and state identity one thing.
 */
export class Arena {
  readonly words: Int32Array
  readonly texts = new TextPool()
  readonly stores: Store[] = []
  readonly journal = new Journal()
  hashLo = 0
  hashHi = 0
  /** Counts the times that words changed other than by `write`: what is derived from them is stale. */
  rewinds = 0
  /**
   * Places are the words by their addresses, and behind them the stores by their numbers. This is the
   * part that a place belongs to: a row of a table, or a range table with all its runs.
   */
  readonly partOf: Int32Array
  /** 1 is noted here for each place that is looked at: whoever asks what an answer hangs on puts its own. */
  reads: Uint8Array
  private places = new Int32Array(1 << 10)

  constructor(size: number, stores: number) {
    this.words = new Int32Array(size)
    this.partOf = new Int32Array(size + stores)
    this.reads = new Uint8Array(size + stores)
  }

  write(at: number, value: number): void {
    const old = this.words[at] as number
    // Whether anything is journaled hangs on what was there.
    this.reads[at] = 1
    if (old === value) return
    this.journal.push(old)
    this.journal.push(at)
    this.mix(at + 1, old)
    this.mix(at + 1, value)
    this.words[at] = value
  }

  /**
   * Takes a word's share into the hash, or out of it: the share of (salt, value) is exclusive-ored
   * into both lanes, so that doing it twice undoes it. Zero words have no share, which makes the hash
   * of an empty heap 0 and lets a hash from scratch skip what was never written.
   */
  mix(salt: number, value: number): void {
    if (value === 0) return
    let a = (Math.imul(value, 0x85ebca6b) + Math.imul(salt, 0x9e3779b1)) | 0
    a = Math.imul(a ^ (a >>> 15), 0x2c1b3c6d)
    a = Math.imul(a ^ (a >>> 12), 0x297a2d39)
    this.hashLo ^= a ^ (a >>> 15)
    let b = Math.imul(value ^ 0x5bd1e995, 0xc2b2ae35) ^ Math.imul(salt, 0x27d4eb2f)
    b = Math.imul(b ^ (b >>> 16), 0x7feb352d)
    b = Math.imul(b ^ (b >>> 15), 0x846ca68b)
    this.hashHi ^= b ^ (b >>> 16)
  }

  mark(): Mark {
    return { length: this.journal.length, hashLo: this.hashLo, hashHi: this.hashHi }
  }

  undoTo(mark: Mark): void {
    this.undo(mark.length, mark.hashLo, mark.hashHi)
  }

  /** Undo without a mark object, for loops that take millions of steps back. */
  undo(length: number, hashLo: number, hashHi: number): void {
    const { journal, words } = this
    this.rewinds += 1
    while (journal.length > length) {
      const at = journal.pop()
      if (at >= 0) words[at] = journal.pop()
      else (this.stores[~at] as Store).undo(journal)
    }
    this.hashLo = hashLo
    this.hashHi = hashHi
  }

  /** The place that each of the journal's entries changed, newest first; good until this is asked again. */
  touched(): Int32Array {
    const { journal, words, stores } = this
    let end = journal.length
    let count = 0
    if (this.places.length < end) this.places = new Int32Array(2 * end)
    while (end > 0) {
      const at = journal.words[end - 1] as number
      this.places[count++] = at >= 0 ? at : words.length + ~at
      end = at >= 0 ? end - 2 : (stores[~at] as Store).entryStart(journal, end - 1)
    }
    return this.places.subarray(0, count)
  }

  /** The 64-bit hash of the state as 16 hexadecimal digits. */
  get hash(): string {
    const lane = (word: number) => (word >>> 0).toString(16).padStart(8, '0')
    return lane(this.hashHi) + lane(this.hashLo)
  }
}
