import type { Ref } from '../../arena'
import type { Kernel } from '../kernel'

type Waiter = ReturnType<Kernel['muxedWaiters']['at']>

/** The entry of a task in muxed_resource_wait. */
export const waiterOf = (k: Kernel, task: number): Waiter | undefined =>
  k.muxedWaiters.find((waiter) => waiter.task === task)

/** add_wait_queue(&muxed_resource_wait, &wait): not exclusive, a wake-up is for all. */
export function add_wait_queue(
  k: Kernel,
  task: Ref<'task_struct'>,
  conflict: Ref<'resource'>,
): void {
  k.muxedWaiters.make({ task, conflict })
}

/** set_current_state(TASK_UNINTERRUPTIBLE) of a waiter. */
export function set_current_state(k: Kernel, task: number): void {
  const waiter = waiterOf(k, task)
  if (waiter !== undefined) waiter.state = 'TASK_UNINTERRUPTIBLE'
}

/** wake_up(&muxed_resource_wait): whoever has not said yet that it sleeps is running, and stays so. */
export function wakeMuxed(k: Kernel): void {
  for (const waiter of k.muxedWaiters.rows()) {
    waiter.state = 'TASK_RUNNING'
    waiter.asleep = 0
  }
}
