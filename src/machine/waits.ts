import type { Waiting } from './machine'
import type { AnyKernel, Holder, Wait } from './operation'

/** The same wait for a thing that the frame leads to; where it leads to nothing, there is no wait. */
export const at = <K, F, G>(wait: Wait<K, G>, find: (k: K, t: F) => G | undefined): Wait<K, F> => {
  const found = <T>(k: K, t: F, none: T, ask: (thing: G) => T): T => {
    const thing = find(k, t)
    return thing === undefined ? none : ask(thing)
  }
  const { state } = wait
  return {
    ...wait,
    state:
      typeof state === 'string' ? state : (k, t) => found(k, t, 'R', (thing) => state(k, thing)),
    ready: (k, t) => found(k, t, true, (thing) => wait.ready(k, thing)),
    reason: (k, t) => found(k, t, '', (thing) => wait.reason(k, thing)),
    holders: (k, t) => found(k, t, [], (thing) => wait.holders(k, thing)),
  }
}

/** Waits for one thing, then for another; the state is that of the first. */
export const both = <K, F, G>(first: Wait<K, F>, second: Wait<K, G>): Wait<K, F & G> => ({
  state: first.state,
  ready: (k, t) => first.ready(k, t) && second.ready(k, t),
  reason: (k, t) => (first.ready(k, t) ? second.reason(k, t) : first.reason(k, t)),
  holders: (k, t) => (first.ready(k, t) ? second.holders(k, t) : first.holders(k, t)),
})

/** A task that cannot go on, and everybody who must let go first. */
export interface Edge extends Waiting {
  readonly waiter: number
}

interface Waiters {
  readonly tasks: AnyKernel['tasks']
  readonly machine: {
    isWaiting(task: number): boolean
    waiting(task: number): Waiting | undefined
    holders(task: number): readonly Holder[]
  }
}

/** The wait-for graph of the moment: each waiting task, with its holders. */
export const waitEdges = (k: Waiters): Edge[] =>
  Array.from({ length: k.tasks.capacity }, (_, i) => i + 1).flatMap((waiter) => {
    const waiting = k.tasks.isLive(waiter) ? k.machine.waiting(waiter) : undefined
    return waiting === undefined ? [] : [{ waiter, ...waiting }]
  })

/** Tasks that must go on before this one can: not those whose hardware lets go by itself. */
const next = (k: Waiters, task: number): number[] =>
  k.machine
    .holders(task)
    .filter((holder) => holder.task !== 0 && holder.until !== 'hardware')
    .map((holder) => holder.task)

/** The first circle that a walk along the edges from the end of `path` closes. */
function circle(
  k: Waiters,
  path: readonly number[],
  seen: Set<number>,
): readonly number[] | undefined {
  const here = path.at(-1) as number
  for (const task of next(k, here)) {
    const before = path.indexOf(task)
    if (before >= 0) return path.slice(before)
    if (seen.has(task)) continue
    seen.add(task)
    const found = circle(k, [...path, task], seen)
    if (found !== undefined) return found
  }
  return undefined
}

/** The first circle that the waits of one task lead to. */
export const deadlockFrom = (k: Waiters, task: number): readonly number[] | undefined =>
  k.machine.isWaiting(task) ? circle(k, [task], new Set([task])) : undefined

/** Tasks of which each waits for the next, and the last for the first; undefined: there are none. */
export function deadlock(k: Waiters): readonly number[] | undefined {
  for (let task = 1; task <= k.tasks.capacity; task++) {
    const found = k.tasks.isLive(task) ? deadlockFrom(k, task) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** Why a task will never go on by itself: what its wait leads to, through whoever holds what it needs. */
export type Ending = Holder | 'nobody' | 'circle'

/**
 * What keeps a waiting task for ever, as far as one can see now: a holder that lets go only when it
 * likes, a wait that nobody can end, or a circle. Undefined: whoever it waits for will let go.
 */
export function ending(k: Waiters, task: number, path: readonly number[] = []): Ending | undefined {
  if (path.includes(task)) return 'circle'
  if (!k.machine.isWaiting(task)) return undefined
  const holders = k.machine.holders(task)
  if (holders.length === 0) return 'nobody'
  for (const holder of holders) {
    if (holder.until === 'owner') return holder
    if (holder.until === 'hardware' || holder.task === 0) continue
    const found = ending(k, holder.task, [...path, task])
    if (found !== undefined) return found
  }
  return undefined
}
