import type { Kernel } from '../linux/kernel'

/** A schedule as it ran: `name of the thread: operation.step`. */
export type Schedule = readonly string[]

/**
 * Runs every schedule of the tasks’ next steps to its end, one after the other, and leaves the kernel
 * as it was. Steps named in `along` are no steps of their own: they run with the one before them.
 * Returns how many schedules end in each outcome.
 */
export function countSchedules(
  k: Kernel,
  along: readonly string[],
  outcome: (schedule: Schedule) => string,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const { machine, heap } = k
  const taken: string[] = []
  const take = (task: number): void => {
    do {
      taken.push(`${k.tasks.at(task).name}: ${machine.stepName(task)}`)
      machine.step(task)
    } while (machine.canStep(task) && along.includes(machine.stepName(task)))
  }
  const visit = (): void => {
    const ready = k.tasks.rows().filter(({ id }) => machine.canStep(id))
    if (ready.length === 0) {
      const name = outcome(taken)
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    for (const { id } of ready) {
      const mark = heap.arena.mark()
      const length = taken.length
      take(id)
      visit()
      heap.arena.undoTo(mark)
      taken.length = length
    }
  }
  visit()
  return counts
}
