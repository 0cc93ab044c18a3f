import { pack } from '../arena'
import type { AnyKernel } from './operation'
import type { Choice, Steppable, Timeline } from './timeline'
import { type TraceLine, traceLineNow } from './trace'

/** What one side did with a choice: its line, and the moment of its own timeline that it led to. */
export interface Did extends TraceLine {
  readonly at: number
}

/** A choice of a thread that one side passed over, and why. */
export interface PassedOver {
  readonly who: string
  readonly says: string
}

export type Side = Did | PassedOver

export const isDid = (side: Side | undefined): side is Did => side !== undefined && 'moment' in side

/**
 * Plays a schedule on two timelines that stand at moment 0, choice by choice, and tells what each did.
 *
 * A choice that a side cannot take, it passes over; that is told where the reason is a new one for its
 * thread. A thread that is to begin a call while it is still in the one before goes on to the end of
 * that first, until it waits or comes back to where it was, always with choice 0; and so does, when the
 * schedule is over, a thread that is still in a call on one side and idle on the other. So a side that
 * can take every choice is played exactly as it was chosen.
 */
export function playBoth<K extends AnyKernel & Steppable<K>>(
  a: Timeline<K>,
  b: Timeline<K>,
  choices: readonly Choice[],
): { readonly a: readonly Side[]; readonly b: readonly Side[] } {
  const left = new Follower(a)
  const right = new Follower(b)
  for (const choice of choices)
    for (const side of [left, right]) {
      if (choice.kind === 'start') side.catchUp(choice.task)
      side.follow(choice)
    }
  for (let task = 1; task <= a.kernel.tasks.capacity; task++) {
    if (left.isIdle(task)) right.catchUp(task)
    else if (right.isIdle(task)) left.catchUp(task)
  }
  return { a: left.told, b: right.told }
}

/** One side, which takes of a schedule what it can. */
class Follower<K extends AnyKernel & Steppable<K>> {
  readonly told: Side[] = []
  /** What was last said of each thread that passed something over. */
  private readonly said = new Map<number, string>()

  constructor(private readonly timeline: Timeline<K>) {}

  follow(choice: Choice): void {
    const { task } = choice
    const refused = this.timeline.take(choice)
    if (refused === undefined) {
      this.said.delete(task)
      this.tell()
      return
    }
    if (this.said.get(task) === refused) return
    this.said.set(task, refused)
    this.told.push({ who: this.nameOf(task), says: refused })
  }

  /** Goes on to the end of the call that a thread is in, as far as that leads to something new. */
  catchUp(task: number): void {
    const { heap, machine } = this.timeline.kernel
    const been = new Map<string, readonly Int32Array[]>()
    while (this.isLive(task) && machine.canStep(task)) {
      const here = pack(heap.arena)
      const before = been.get(heap.arena.hash) ?? []
      if (before.some((words) => words.every((word, i) => word === here[i]))) return
      been.set(heap.arena.hash, [...before, here])
      if (this.timeline.take({ kind: 'step', task, choice: 0 }) !== undefined) return
      this.tell()
    }
  }

  isIdle(task: number): boolean {
    return this.isLive(task) && this.timeline.kernel.machine.isIdle(task)
  }

  private isLive(task: number): boolean {
    return this.timeline.kernel.tasks.isLive(task)
  }

  private tell(): void {
    this.told.push({ ...traceLineNow(this.timeline), at: this.timeline.cursor })
  }

  private nameOf(task: number): string {
    const { tasks } = this.timeline.kernel
    return tasks.isLive(task)
      ? (tasks.at(task) as unknown as { name: string }).name
      : `task ${task}`
  }
}
