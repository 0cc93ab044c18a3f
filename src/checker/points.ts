import type { AnyKernel, Finding, Steppable } from '../machine'
import { Memo, Memory } from './memo'
import type { Move } from './moves'
import type { StateTable } from './state-table'

/** Where a thread stands: in its program, and in each call of its stack. What was found out there. */
class Point {
  /** The thread's moves. */
  readonly moves: Memo<readonly Move[]>
  private readonly claims: Memo<Finding | null>[] = []

  constructor(
    private readonly memory: Memory,
    /** The places that say where that is. */
    private readonly given: Uint8Array,
  ) {
    this.moves = new Memo(memory, given)
  }

  /** What the property of this number finds by the thread. */
  claim(index: number, reads: Uint8Array): Memo<Finding | null> {
    let memo = this.claims[index]
    if (memo === undefined) {
      memo = new Memo(this.memory, this.given, reads)
      this.claims[index] = memo
    }
    return memo
  }
}

/** The points at which the threads were seen. */
export class Points<K extends AnyKernel & Steppable<K>> {
  private readonly threads: readonly { readonly memo: Memo<Point>; readonly given: Uint8Array }[]
  /** The state of which the points of the threads are known, and these. */
  private state = -1
  private found: (Point | undefined)[] = []

  readonly memory: Memory

  constructor(kernel: K, table: StateTable) {
    const memory = new Memory(kernel.heap.arena, table)
    this.memory = memory
    this.threads = Array.from({ length: kernel.tasks.capacity }, (_, i) => {
      const memo = new Memo<Point>(memory)
      const given = new Uint8Array(memory.noted.length)
      for (const place of kernel.machine.standsAt(i + 1)) {
        memo.look(place)
        given[place] = 1
      }
      return { memo, given }
    })
  }

  of(task: number, state: number): Point {
    if (state !== this.state) {
      this.state = state
      this.found.fill(undefined)
    }
    const known = this.found[task]
    if (known !== undefined) return known
    const { memo, given } = this.threads[task - 1] as (typeof this.threads)[number]
    const point = memo.known(state) ?? memo.learn(state, () => new Point(this.memory, given))
    this.found[task] = point
    return point
  }
}
