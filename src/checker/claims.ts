import type { AnyKernel, Finding, Invariant, Steppable } from '../machine'

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
 * at; where a move wrote to none of the places that it ever looked at, it says what it said before.
 */
export class Claims<K extends AnyKernel & Steppable<K>> {
  readonly list: readonly Claimed<K>[]
  /** For each property, 1 for each place that it ever looked at. */
  private readonly reads: readonly Uint8Array[]
  private level = 0

  constructor(
    private readonly kernel: K,
    invariants: readonly Invariant<K>[],
  ) {
    this.list = invariants.map((invariant) => ({ invariant, finding: undefined, states: [] }))
    const { length } = kernel.heap.arena.reads
    this.reads = invariants.map(() => new Uint8Array(length))
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

  /** Asks of a new state, which was written in `changed` since one that was asked before. */
  visit(state: number, changed: Int32Array, count: number): void {
    for (let i = 0; i < this.list.length; i++) {
      const claimed = this.list[i] as Claimed<K>
      if (claimed.states.length > 0 && this.isDecided(i)) continue
      const reads = this.reads[i] as Uint8Array
      for (let at = 0; at < count; at++)
        if (reads[changed[at] as number] === 1) {
          this.ask(i, state)
          break
        }
    }
  }

  /** 1 for each place that a property ever looked at. */
  readsOf(index: number): Uint8Array {
    return this.reads[index] as Uint8Array
  }

  private readonly decidedAt = new Map<number, number>()

  private isDecided(index: number): boolean {
    return (this.decidedAt.get(index) as number) < this.level
  }

  private ask(index: number, state: number): void {
    const { arena } = this.kernel.heap
    const claimed = this.list[index] as Claimed<K>
    const { invariant } = claimed
    const { reads } = arena
    arena.reads = this.reads[index] as Uint8Array
    const finding =
      invariant.kind === 'always' ? invariant.broken(this.kernel) : invariant.shown(this.kernel)
    arena.reads = reads
    if (finding === undefined) return
    if (claimed.states.length === 0) this.decidedAt.set(index, this.level)
    claimed.finding ??= finding
    claimed.states.push(state)
  }
}
