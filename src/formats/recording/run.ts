import type { Kernel } from '../../linux/kernel'
import type { Operation } from '../../machine'
import type { Action } from './record'
import type { Session } from './session'

/** What an action of a recording is here. */
export type Does = (session: Session, action: Action) => void

/** Begins an operation on an idle thread of the actor, and runs it until it ends or waits. */
export function run(
  session: Session,
  actor: string,
  operation: { name: string },
  args: object,
): number {
  const { machine } = session.kernel
  const task = session.idleTask(actor)
  machine.start(task, operation as Operation<Kernel>, args)
  while (machine.canStep(task)) machine.step(task)
  return task
}

/** What the operation returned that a thread ran last. */
export const returned = (session: Session, task: number): number =>
  session.kernel.tasks.at(task).ret
