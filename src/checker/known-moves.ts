import type { AnyKernel, Steppable } from '../machine'
import type { Move, Moves } from './moves'
import type { Points } from './points'
import type { Difference } from './state-table'

/** The moves of threads, each made once for all states that agree in what it hangs on. */
export class KnownMoves<K extends AnyKernel & Steppable<K>> {
  constructor(
    private readonly kernel: K,
    private readonly all: Moves<K>,
    private readonly points: Points<K>,
    private readonly turn: (from: number, difference: Difference) => number = () => 0,
  ) {}

  /** The moves of a thread in a state. */
  of(task: number, state: number): readonly Move[] {
    const { moves } = this.points.of(task, state)
    return (
      moves.known(state) ??
      moves.learn(state, () => this.make(task, state, (tell) => this.all.of(task, tell)))
    )
  }

  /** Makes the moves of a thread there, as `of` does it. */
  make(task: number, state: number, of: (tell: Parameters<Moves<K>['of']>[1]) => void): Move[] {
    const { memory } = this.points
    const { table } = memory
    table.load(state)
    if (!this.kernel.tasks.isLive(task)) return []
    const moves: Move[] = []
    of((_, kind) => {
      const difference = table.difference()
      moves.push({ kind, turn: this.turn(state, difference), ...difference })
    })
    memory.lookAtParts(moves)
    return moves
  }
}
