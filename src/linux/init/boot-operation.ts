import type { Schema } from '../../arena'
import type { Operation, Wait, WaitState } from '../../machine'
import { INITCALL_LEVELS, type InitcallLevel } from '../include/init'
import type { Kernel } from '../kernel'

interface At {
  readonly task: { readonly id: number; readonly signal: string }
}

/** The one row of the boot; a machine without it does not boot here. */
export const bootOf = (k: Kernel) => k.boots.at(1)

/** True once the initcalls of a level have begun. */
export const isLevelReached = (k: Kernel, level: InitcallLevel): boolean =>
  INITCALL_LEVELS.indexOf(bootOf(k).level) >= INITCALL_LEVELS.indexOf(level)

/** How a thread stands that goes no further. */
interface End {
  readonly state: WaitState
  readonly reason: string
}

/** A thread that has died of an oops goes no further, and after a panic nobody does. No signal changes that. */
function endOf(k: Kernel, { task }: At): End | undefined {
  const { panicked, oopsed } = bootOf(k)
  if (panicked === 1 && oopsed === task.id)
    return { state: 'R', reason: 'spins at the end of panic(), which never returns' }
  if (panicked === 1) return { state: 'D', reason: 'never runs again: the kernel has panicked' }
  return task.signal === 'SIGSEGV'
    ? { state: 'X', reason: 'never runs again: it died of an oops' }
    : undefined
}

const untilStopped = ({ state, ...wait }: Wait<Kernel, never> = free): Wait<Kernel, never> => ({
  state: (k, t) => endOf(k, t)?.state ?? (typeof state === 'string' ? state : state(k, t)),
  ready: (k, t) => endOf(k, t) === undefined && wait.ready(k, t),
  reason: (k, t) => endOf(k, t)?.reason ?? wait.reason(k, t),
  // Nobody ends the wait of a thread that is dead.
  holders: (k, t) => (endOf(k, t) === undefined ? wait.holders(k, t) : []),
})

/** The wait of a step that has none. */
const free: Wait<Kernel, never> = {
  state: 'R',
  ready: () => true,
  reason: () => '',
  holders: () => [],
}

/** An operation that an oops of its thread, or a panic of the kernel, stops where it is. */
export const bootOperation = <P extends Schema>(
  operation: Operation<Kernel, P>,
): Operation<Kernel, P> => ({
  ...operation,
  steps: operation.steps.map((step) => ({
    ...step,
    when: untilStopped(step.when as Wait<Kernel, never> | undefined) as typeof step.when & object,
  })),
})
