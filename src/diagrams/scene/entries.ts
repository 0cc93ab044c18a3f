import type { RunView } from '../../arena'
import type { Pte } from '../../linux/arch/x86/pgtable'
import type { Kernel } from '../../linux/kernel'

/** Consecutive leaf entries of one address space that differ only as their addresses do. */
export interface Entry {
  readonly mm: number
  readonly run: RunView<typeof Pte>
}

export const entriesOf = (k: Kernel, mm: number): Entry[] =>
  k.ptes
    .in(mm)
    .runs()
    .map((run) => ({ mm, run }))

/** What an entry names is a page, unless it is a slot of the swap device. */
export const namesPage = ({ run }: Entry): boolean => run.kind !== 'swap' && run.pfn >= 0
