import type { Kernel } from '../linux/kernel'

/** Threads that have a lane; the others are counted. */
const MAX_THREADS = 8

/** Who is inside the kernel comes before who is not; who has exited is not shown. */
export function shownThreads(k: Kernel): { shown: number[]; others: number } {
  const alive = k.tasks.rows().filter(({ role }) => role !== 'zombie')
  const isIdle = ({ id }: { readonly id: number }) => k.machine.isIdle(id)
  const ranked = [...alive.filter((task) => !isIdle(task)), ...alive.filter(isIdle)]
  const kept = new Set(ranked.slice(0, MAX_THREADS).map(({ id }) => id))
  return {
    shown: alive.filter(({ id }) => kept.has(id)).map(({ id }) => id),
    others: alive.length - kept.size,
  }
}
