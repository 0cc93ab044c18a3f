import type { Schema } from '../arena'
import type { Callable } from '../machine'
import type { Kernel } from './kernel'

/**
 * The operation of a name: for calls that the kernel makes through a pointer or a queue as well, so that
 * whoever calls brings no more along than he must. The machine has it wherever the call can come to pass.
 */
export function operationNamed<P extends Schema>(k: Kernel, name: string): Callable<P> {
  const operation = k.machine.operation(name)
  if (operation === undefined) throw new Error(`operationNamed: this machine has no ${name}`)
  return operation as unknown as Callable<P>
}
