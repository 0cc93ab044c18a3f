import type { Wait } from '../../../../machine'
import { TLB } from '../../../include/mm_types'
import type { Kernel } from '../../../kernel'
import { mn_itree_invalidate } from '../../../mm/mmu_notifier'
import { taskHolds } from '../../../wait-holders'
import { PTE } from '../pgtable'

const cpusOf = (k: Kernel, mm: number) => k.tasks.rows().filter((task) => task.mm === mm)

/** flush_tlb_range(), flush_tlb_mm(): every CPU of the address space forgets its entries; so do devices that follow it. */
export function flush_tlb_range(k: Kernel, mm: number, start: number, end: number): void {
  for (const { id } of cpusOf(k, mm)) k.tlb.in(id).clear(start, end)
  mn_itree_invalidate(k, mm, start, end)
}

/** What a CPU remembers of a page table entry. */
export const cachedEntry = (k: Kernel, cpu: number, vpn: number) => {
  const entries = k.tlb.in(cpu)
  return entries.has(vpn) ? entries.at(vpn) : undefined
}

/** The CPU walked the page table, and remembers what it found. */
export function fillTlb(k: Kernel, cpu: number, mm: number, vpn: number): void {
  const { flags, pfn } = k.ptes.in(mm).at(vpn)
  const rw = (flags & PTE.rw) !== 0 ? TLB.rw : 0
  const dirty = (flags & PTE.dirty) !== 0 ? TLB.dirty : 0
  k.tlb.in(cpu).fill(vpn, vpn + 1, { pfn, flags: rw | dirty })
}

/** Who keeps a flush of this address space waiting: CPUs that have interrupts off take no IPI. */
const deaf = (k: Kernel, mm: number, task: number) =>
  k.policy.tlbFlush === 'broadcast'
    ? []
    : cpusOf(k, mm).filter(({ id, irqs_off }) => id !== task && irqs_off === 1)

/** Waits until every CPU of the address space has taken the flush interrupt. */
export const untilFlushed: Wait<
  Kernel,
  { readonly mm: number; readonly task: { readonly id: number } }
> = {
  state: 'R',
  ready: (k, t) => deaf(k, t.mm, t.task.id).length === 0,
  reason: (k, t) =>
    `waits for the TLB flush: ${deaf(k, t.mm, t.task.id)[0]?.name} has interrupts off and takes no IPI`,
  holders: (k, t) => deaf(k, t.mm, t.task.id).flatMap(({ id }) => taskHolds(id)),
}
