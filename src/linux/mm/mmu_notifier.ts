import type { Kernel } from '../kernel'

/**
 * mmu_interval_notifier, and KVM’s own: devices and guests that follow a page table hear that entries of [start, end) go, drop
 * theirs, and count the invalidation. They do not keep it waiting, but for the flush of their own.
 */
export function mn_itree_invalidate(k: Kernel, mm: number, start: number, end: number): void {
  if (k.iomemNodes.capacity > 0) k.stage2Ptes.in(mm).clear(start, end)
  for (const umem of k.umemOdps.rows()) {
    const overlaps = umem.mm === mm && umem.start < end && start < umem.start + umem.pages
    if (!overlaps) continue
    umem.seq += 2
    k.nicEntries.in(umem.id).clear(start, end)
  }
}
