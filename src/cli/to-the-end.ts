import type { Kernel } from '../linux/kernel'
import type { Operation } from '../machine'

/** Runs an operation of the first root shell to its end while nothing else runs. Returns the steps that it took. */
export function toTheEnd(k: Kernel, operation: { readonly name: string }, args: object): number {
  const task = k.tasks.find(({ role }) => role === 'admin')?.id ?? 0
  k.machine.start(task, operation as unknown as Operation<Kernel>, args)
  let steps = 0
  for (; k.machine.canStep(task); steps++) k.machine.step(task)
  if (!k.machine.isIdle(task))
    throw new Error(`${operation.name}: ${k.machine.waiting(task)?.reason}`)
  return steps
}
