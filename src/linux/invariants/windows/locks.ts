import type { Window } from '../../../machine'
import type { Kernel } from '../../kernel'
import { isAnyPtlHeld } from '../../mm/entries'

/** An entry and the counters of its page change one after the other, under the lock of the page table. */
export const underPageTableLock: Window<Kernel> = {
  says: 'while a page table lock is held',
  isOpen: isAnyPtlHeld,
}
