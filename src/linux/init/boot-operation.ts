import type { Schema } from '../../arena'
import type { Operation, Wait } from '../../machine'
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

/** A thread that has died of an oops goes no further, and after a panic nobody does. */
const stopped = (k: Kernel, { task }: At): string | undefined => {
  if (bootOf(k).panicked === 1) return 'waits for nothing any more: the kernel has panicked'
  return task.signal === 'SIGSEGV' ? 'waits for nothing any more: it died of an oops' : undefined
}

const untilStopped = (wait: Wait<Kernel, never> | undefined): Wait<Kernel, never> => ({
  state: wait?.state ?? 'D',
  ready: (k, t) => stopped(k, t) === undefined && (wait?.ready(k, t) ?? true),
  reason: (k, t) => stopped(k, t) ?? wait?.reason(k, t) ?? '',
  // Nobody ends the wait of a thread that is dead.
  holders: (k, t) => (stopped(k, t) === undefined ? (wait?.holders(k, t) ?? []) : []),
})

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
