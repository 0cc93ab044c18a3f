import type { AnyKernel, Finding, Invariant, Steppable } from '../machine'
import { Memo } from './memo'
import type { Points } from './points'

/** How far the search has come with a property. */
export interface Claimed<K> {
  readonly invariant: Invariant<K>
  /** What broke it, or showed it, first; and the state. */
  finding: Finding | undefined
  /** All states at which it did so that are as near as the first. */
  readonly states: number[]
}

/**
 * The properties, asked again only where the answer can have changed.
 *
 * A property is a function of the state. While it is asked, the arena notes the places that it looks
 * at; where a move wrote to none of the places that it ever looked at, it says what it said before, and
 * where it found the same there once, what it said then.
 */
export class Claims<K extends AnyKernel & Steppable<K>> {
  readonly list: readonly Claimed<K>[]
  /** For each property, 1 for each place that it ever looked at. */
  private readonly reads: readonly Uint8Array[]
  /** The same of the places that others know of, where a search is shared out. */
  private readonly learned: readonly Uint8Array[]
  /** What each property finds; of those of tasks, whether any is to be asked. */
  private readonly memos: readonly Memo<Finding | null | boolean>[]
  private level = 0
  private readonly set: Int32Array

  constructor(
    private readonly kernel: K,
    invariants: readonly Invariant<K>[],
    private readonly points: Points<K>,
  ) {
    this.list = invariants.map((invariant) => ({ invariant, finding: undefined, states: [] }))
    const { length } = kernel.heap.arena.reads
    this.reads = invariants.map(() => new Uint8Array(length))
    this.memos = this.reads.map((reads) => new Memo(points.memory, undefined, reads))
    this.learned = invariants.map(() => new Uint8Array(length))
    this.set = new Int32Array(this.setWords)
  }

  /** Asks every property of the first state. */
  first(): void {
    this.list.forEach((_, i) => {
      this.ask(i, 0)
    })
  }

  /** The states that follow are one step farther than those before. */
  nextLevel(): void {
    this.level += 1
  }

  /** Asks of a new state, which was written in these places since one that was asked before. */
  visit(state: number, places: Int32Array): void {
    for (let i = 0; i < this.list.length; i++) if (this.isConcerned(i, places)) this.ask(i, state)
  }

  /** The properties that `visit` would ask, as a set for `askSome`; good until this is asked again. */
  concerned(places: Int32Array): Int32Array {
    this.set.fill(0)
    for (let i = 0; i < this.list.length; i++) if (this.isConcerned(i, places)) addTo(this.set, i)
    return this.set
  }

  /** Asks the properties of a set of a state. */
  askSome(state: number, set: ArrayLike<number>, from: number): void {
    for (let i = 0; i < this.list.length; i++)
      if (isIn(set, from, i) && !this.isDecided(i)) this.ask(i, state)
  }

  /** A set of properties has a bit for each, in so many words. */
  get setWords(): number {
    return (this.list.length + 31) >>> 5
  }

  /** Places that were looked at and not learned: pairs of the property’s number and the place. */
  get unlearned(): Int32Array<ArrayBuffer> {
    const pairs: number[] = []
    this.reads.forEach((reads, i) => {
      const learned = this.learned[i] as Uint8Array
      for (let place = 0; place < reads.length; place++)
        if (reads[place] !== learned[place]) pairs.push(i, place)
    })
    return Int32Array.from(pairs)
  }

  /** Takes places as looked at, which the same properties looked at elsewhere. */
  learn(pairs: Int32Array): void {
    for (let at = 0; at < pairs.length; at += 2) {
      const property = pairs[at] as number
      const place = pairs[at + 1] as number
      ;(this.reads[property] as Uint8Array)[place] = 1
      ;(this.learned[property] as Uint8Array)[place] = 1
    }
  }

  private isConcerned(index: number, places: Int32Array): boolean {
    if (this.isDecided(index)) return false
    const reads = this.reads[index] as Uint8Array
    for (let at = 0; at < places.length; at++) if (reads[places[at] as number] === 1) return true
    return false
  }

  /** 1 for each place that a property ever looked at. */
  readsOf(index: number): Uint8Array {
    return this.reads[index] as Uint8Array
  }

  private readonly decidedAt = new Map<number, number>()

  private isDecided(index: number): boolean {
    const at = this.decidedAt.get(index)
    return at !== undefined && at < this.level
  }

  private ask(index: number, state: number): void {
    const finding = this.findingOf(index, state)
    if (finding === null) return
    const claimed = this.list[index] as Claimed<K>
    if (claimed.states.length === 0) this.decidedAt.set(index, this.level)
    claimed.finding ??= finding
    claimed.states.push(state)
  }

  private findingOf(index: number, state: number): Finding | null {
    const memo = this.memos[index] as Memo<Finding | null | boolean>
    const known = memo.known(state)
    const whole = known === undefined ? memo.learn(state, () => this.findIn(index, state)) : known
    if (typeof whole !== 'boolean') return whole
    if (!whole) return null
    for (let task = 1; task <= this.kernel.tasks.capacity; task++) {
      const finding = this.findingBy(index, task, state)
      if (finding !== null) return finding
    }
    return null
  }

  /** What a property finds; of one of tasks, whether any is to be asked. */
  private findIn(index: number, state: number): Finding | null | boolean {
    const { kernel, points } = this
    const { invariant } = this.list[index] as Claimed<K>
    points.memory.table.load(state)
    if (invariant.byTask !== undefined) return invariant.when?.(kernel) ?? true
    const isAlways = invariant.kind === 'always'
    return (isAlways ? invariant.broken(kernel) : invariant.shown(kernel)) ?? null
  }

  /** What a property of tasks finds by one. */
  private findingBy(index: number, task: number, state: number): Finding | null {
    const { kernel, points } = this
    const memo = points.of(task, state).claim(index, this.reads[index] as Uint8Array)
    const known = memo.known(state)
    if (known !== undefined) return known
    return memo.learn(state, () => {
      points.memory.table.load(state)
      const { byTask } = (this.list[index] as Claimed<K>).invariant
      return (kernel.tasks.isLive(task) ? byTask?.(kernel, task) : undefined) ?? null
    })
  }
}

/** Adds a property to a set of them. */
export const addTo = (set: number[] | Int32Array, property: number, from = 0): void => {
  set[from + (property >>> 5)] = (set[from + (property >>> 5)] as number) | (1 << (property & 31))
}

const isIn = (set: ArrayLike<number>, from: number, property: number): boolean =>
  (((set[from + (property >>> 5)] as number) >>> (property & 31)) & 1) === 1
