import { hashFromScratch } from '../arena'
import type { AnyKernel, Finding, Invariant, Steppable } from '../machine'
import { Frontier } from './frontier'
import { HashSet } from './hash-set'

/** The first `always` property that broke, in breadth-first order. */
interface Broken {
  readonly property: string
  readonly finding: Finding
  /** Steps of a shortest schedule to it. */
  readonly depth: number
}

/** What exploring found. */
export interface Explored {
  readonly states: number
  readonly transitions: number
  /** Steps to the states that are farthest away. */
  readonly depth: number
  readonly broken: Broken | undefined
  /** False where `maxStates` stopped the search. */
  readonly complete: boolean
}

/**
 * Explores every interleaving of the tasks' next steps breadth first, from the kernel's state, and
 * leaves the kernel in that state with an empty journal. The initial state is checked as well.
 * Operations are not begun here: what is explored is what the tasks are already in.
 *
 * States are told apart by their 64-bit hash alone.
 */
export function explore<K extends AnyKernel & Steppable<K>>(
  kernel: K,
  maxStates = Number.MAX_SAFE_INTEGER,
): Explored {
  const { arena } = kernel.heap
  const [hashLo, hashHi] = hashFromScratch(arena)
  arena.hashLo = hashLo
  arena.hashHi = hashHi
  const start = new Frontier()
  start.push(arena)
  const search = new Search(kernel)
  const explored = search.run(maxStates)
  start.restore(arena, 0)
  return explored
}

class Search<K extends AnyKernel & Steppable<K>> {
  private readonly seen = new HashSet()
  private readonly tasks: readonly number[]
  private readonly claims: readonly Invariant<K>[]
  private transitions = 0
  private depth = 0
  private broken: Broken | undefined
  private next = new Frontier()

  constructor(private readonly kernel: K) {
    const ids = Array.from({ length: kernel.tasks.capacity }, (_, i) => i + 1)
    this.tasks = ids.filter((id) => kernel.tasks.isLive(id))
    this.claims = kernel.invariants.filter(({ kind }) => kind === 'always')
  }

  run(maxStates: number): Explored {
    let level = new Frontier()
    this.visit()
    while (this.next.length > 0 && this.seen.size < maxStates) {
      const reached = this.next
      this.next = level
      this.next.clear()
      level = reached
      this.depth += 1
      for (let state = 0; state < level.length; state++) {
        level.restore(this.kernel.heap.arena, state)
        this.expand()
      }
    }
    return {
      states: this.seen.size,
      transitions: this.transitions,
      depth: this.next.length === 0 ? this.depth - 1 : this.depth,
      broken: this.broken,
      complete: this.next.length === 0,
    }
  }

  /** Takes every step that can be taken from the state, one at a time, and undoes it again. */
  private expand(): void {
    const { machine, heap } = this.kernel
    const { hashLo, hashHi } = heap.arena
    for (const task of this.tasks) {
      if (!machine.canStep(task)) continue
      const choices = machine.choices(task)
      for (let choice = 0; choice < choices; choice++) {
        machine.step(task, choice)
        this.transitions += 1
        this.visit()
        heap.arena.undo(0, hashLo, hashHi)
      }
    }
  }

  private visit(): void {
    const { arena } = this.kernel.heap
    if (!this.seen.add(arena.hashLo, arena.hashHi)) return
    this.broken ??= this.firstBroken()
    this.next.push(arena)
  }

  private firstBroken(): Broken | undefined {
    for (const claim of this.claims) {
      const finding = claim.kind === 'always' ? claim.broken(this.kernel) : undefined
      if (finding !== undefined) return { property: claim.name, finding, depth: this.depth }
    }
    return undefined
  }
}
