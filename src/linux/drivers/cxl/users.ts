import type { Operation, Outcome, Wait } from '../../../machine'
import { ENODEV } from '../../include/errno'
import type { Kernel } from '../../kernel'
import { taskHolds } from '../../wait-holders'

type Key = 'region' | 'dax'
type At = { readonly task: { readonly id: number } } & Partial<Readonly<Record<Key, number>>>

/** Who else is at work on an object: inside one of these operations, behind its first step. */
function usersOf(k: Kernel, t: At, key: Key, among: readonly string[] | undefined) {
  const isAtWork = (task: number): boolean =>
    k.machine.frames(task).some(({ operation, step, locals }) => {
      const isInside = operation.steps[operation.entry]?.name !== step.name
      const isOurs = among === undefined || among.includes(operation.name)
      return isInside && isOurs && locals[key] === t[key] && t[key] !== 0
    })
  return k.tasks.rows().filter(({ id }) => id !== t.task.id && isAtWork(id))
}

/** Waits until nobody else is inside `among`, or in anything, with this region or DAX device. */
export const untilUnused = (key: Key, among?: readonly string[]): Wait<Kernel, At> => ({
  state: 'D',
  ready: (k, t) => usersOf(k, t, key, among).length === 0,
  reason: (k, t) => `waits for ${usersOf(k, t, key, among)[0]?.name}, which is at work on it`,
  holders: (k, t) => usersOf(k, t, key, among).flatMap(({ id }) => taskHolds(id)),
})

/** device_lock() of the region: binding and unbinding exclude each other. */
export const regionUnlocked = untilUnused('region', ['cxl_region_probe', 'device_release_region'])

/** cxl_region_rwsem, as far as decoders of one region go. */
export const decodersIdle = untilUnused('region', [
  'cxl_region_decode_commit',
  'cxl_region_decode_reset',
])

/** device_lock() of the DAX device. */
export const daxUnlocked = untilUnused('dax', ['dev_dax_probe', 'dax_bus_remove'])

type Run = (k: Kernel, t: At & { done(value: number): Outcome }, choice: number) => string | Outcome

/** Has every step end with -ENODEV whose region or DAX device is gone meanwhile. */
export function endWhenGone(
  key: Key,
  operations: readonly Pick<Operation<Kernel>, 'steps'>[],
): void {
  for (const { steps } of operations)
    for (const each of steps) {
      const step = each as unknown as { run: Run }
      const { run } = step
      step.run = (k, t, choice) => {
        const table = key === 'region' ? k.cxlRegions : k.devDaxes
        const id = t[key] ?? 0
        return id !== 0 && !table.isLive(id) ? t.done(-ENODEV) : run(k, t, choice)
      }
    }
}
