import type { Window } from '../../../machine'
import type { Kernel } from '../../kernel'

/** What is made step by step is whole when nobody is at it any more. */
export const whileInCalls: Window<Kernel> = {
  says: 'while a thread is inside the kernel',
  isOpen: (k) => k.tasks.find(({ depth }) => depth !== 0) !== undefined,
}

/** Who is woken has yet to run. */
export const whileAnyoneMoves: Window<Kernel> = {
  says: 'while a thread can take a step',
  isOpen: (k) => k.tasks.find(({ id }) => k.machine.canStep(id)) !== undefined,
}
