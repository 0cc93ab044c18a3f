import type { Machine } from './machine'
import type { AnyKernel, Operation } from './operation'

/** A call that a thread makes when it is idle, and may. */
export interface Call<K> {
  /** Name of the operation. */
  operation(k: K): string
  args(k: K): Readonly<Record<string, number | string>>
  /** While this is false the call is passed over, and the one behind it may be made instead. */
  when?(k: K): boolean
}

/** What a thread calls, one call after the other. */
export type Program<K> = readonly Call<K>[]

/** A call that can be begun now, with what becomes of the thread's count of calls. */
export interface Begun<K extends AnyKernel> {
  readonly operation: Operation<K>
  readonly args: Readonly<Record<string, number | string>>
  readonly calls: number
}

/**
 * The call that an idle thread begins next, which has `calls` calls behind it. There is none while
 * the operation refuses: the thread waits in user space until the others have made it possible.
 */
export function nextCall<K extends AnyKernel & { readonly machine: Machine<K> }>(
  k: K,
  task: number,
  program: Program<K>,
  calls: number,
): Begun<K> | undefined {
  for (let index = calls; index < program.length; index++) {
    const call = program[index] as Call<K>
    if (call.when?.(k) === false) continue
    const operation = k.machine.operation(call.operation(k))
    if (operation === undefined) return undefined
    const args = { ...operation.initialArgs, ...call.args(k) }
    const refused = operation.start?.refuse(k, args as never, task)
    return refused === undefined ? { operation, args, calls: index + 1 } : undefined
  }
  return undefined
}
