import type { Kernel } from '../../../kernel'
import { PTE } from '../pgtable'

/** PAGE_KERNEL as far as the hardware sets and clears it here. */
const PAGE_KERNEL = PTE.present | PTE.rw | PTE.accessed | PTE.dirty | PTE.nx

/** arch_add_memory(): the range gets ordinary writable entries, with the key that pmem asks for. */
export function mapDirectly(k: Kernel, start: number, end: number, isPmem: boolean): void {
  const pks = k.pks.find(() => true)
  if (pks === undefined) return
  const isProtected = isPmem && k.policy.pks !== 'none' && k.cpus.at(1).has_pks === 1
  k.directMap.fill(start, end, { pfn: start, flags: PAGE_KERNEL, pkey: isProtected ? pks.key : 0 })
}

/** arch_remove_memory(): the entries go. */
export const unmapDirectly = (k: Kernel, start: number, end: number): void =>
  k.directMap.clear(start, end)
