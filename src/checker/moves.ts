import {
  type AnyKernel,
  type Begun,
  type Choice,
  nextCall,
  type Program,
  type Steppable,
} from '../machine'
import type { Difference } from './state-table'

/** What each thread calls, by the thread's name. */
export type Programs<K> = ReadonlyMap<string, Program<K>>

/** The fields of a task that its program needs. */
interface Caller {
  readonly name: string
  readonly depth: number
  calls: number
}

/** What a move did to the call that its thread is in. */
export const INSIDE = 0
export const BEGINS = 1
export const ENDS = 2
export type Kind = typeof INSIDE | typeof BEGINS | typeof ENDS

/** A move of one thread, and where it leads. */
export interface Move extends Difference {
  readonly kind: Kind
  /** What it changes in the hash that says whose a state is, where a search is shared out. */
  readonly turn: number
}

/**
 * The moves of a state, in a fixed order: for each thread, in the order of their numbers, the call that
 * it begins if it is idle, or each choice of its next step.
 */
export class Moves<K extends AnyKernel & Steppable<K>> {
  constructor(
    private readonly kernel: K,
    private readonly programs: Programs<K>,
    /** Whose moves; everybody's, where it is not said. */
    readonly threads: readonly number[] = everybody(kernel),
  ) {}

  /** Makes each move of one thread in turn, tells of it, and takes it back. */
  of(task: number, tell: (task: number, kind: Kind) => void): void {
    const { machine, heap } = this.kernel
    const { arena } = heap
    const { hashLo, hashHi } = arena
    const ways = machine.ways(task)
    for (let choice = 0; choice < ways; choice++) {
      machine.step(task, choice)
      tell(task, machine.isIdle(task) ? ENDS : INSIDE)
      arena.undo(0, hashLo, hashHi)
    }
    const begun = ways === -1 ? this.begun(task) : undefined
    if (begun === undefined) return
    this.begin(task, begun)
    tell(task, BEGINS)
    arena.undo(0, hashLo, hashHi)
  }

  /** The move with this number, as a timeline takes it. */
  choice(number: number): Choice {
    const { machine, tasks } = this.kernel
    let left = number
    for (const task of this.threads) {
      if (!tasks.isLive(task)) continue
      const ways = machine.ways(task)
      if (left < ways) return { kind: 'step', task, choice: left }
      if (ways > 0) left -= ways
      const begun = ways === -1 ? this.begun(task) : undefined
      if (begun === undefined || left-- > 0) continue
      return { kind: 'start', task, operation: begun.operation.name, args: begun.args }
    }
    throw new Error(`there is no move ${number}`)
  }

  /** Makes the move with this number, for good. */
  make(number: number): Choice {
    const choice = this.choice(number)
    const { task } = choice
    if (choice.kind === 'step') this.kernel.machine.step(task, choice.choice)
    else this.begin(task, this.begun(task) as Begun<K>)
    return choice
  }

  private begun(task: number): Begun<K> | undefined {
    const { name, calls } = this.caller(task)
    const program = this.programs.get(name)
    return program && nextCall(this.kernel, task, program, calls)
  }

  private begin(task: number, { operation, args, calls }: Begun<K>): void {
    this.kernel.machine.start(task, operation, args)
    this.caller(task).calls = calls
  }

  private caller(task: number): Caller {
    return this.kernel.tasks.at(task) as unknown as Caller
  }
}

const everybody = ({ tasks }: AnyKernel): number[] =>
  Array.from({ length: tasks.capacity }, (_, i) => i + 1)
