import { flush_tlb_range } from '../../arch/x86/mm/tlb'
import { PAGE_SIZE } from '../../include/mm'
import { PG } from '../../include/page-flags'
import type { Kernel } from '../../kernel'
import { allEntries } from '../../mm/entries'
import { holdRun } from '../../mm/holders'

/**
 * The idea of the mail of March 2021, never coded: memory_failure() for every page of a range at once.
 * Entries become hwpoison entries, free pages leave the buddy allocator, and the poison keeps a
 * reference of each page. Processes are told when they touch it (late kill).
 */
export function failRange(k: Kernel, start: number, size: number): void {
  const first = start / PAGE_SIZE
  const last = first + size / PAGE_SIZE
  poison(k, first, last)
  for (const { mm, run } of allEntries(k)) {
    const pfn = Math.max(run.pfn, first)
    const pages = Math.min(run.pfn + run.length, last) - pfn
    if (run.kind !== 'leaf' || pages <= 0) continue
    const vpn = run.start + pfn - run.pfn
    k.ptes.in(mm).fill(vpn, vpn + pages, { pfn, flags: 0, kind: 'hwpoison' })
    flush_tlb_range(k, mm, vpn, vpn + pages)
    k.pages.edit(pfn, pfn + pages, ({ refcount, mapcount }) => ({
      refcount: refcount - 1,
      mapcount: mapcount - 1,
    }))
  }
}

/** PG_hwpoison for all; a page in use gets a reference that stays. Free pages just leave the free list. */
function poison(k: Kernel, first: number, last: number): void {
  k.freePages.clear(first, last)
  for (const run of k.pages.runs(first, last)) {
    const used = run.refcount > 0 ? 1 : 0
    k.pages.edit(run.start, run.end, ({ flags, refcount }) => ({
      flags: (flags & ~PG.lru) | PG.hwpoison,
      refcount: refcount + used,
    }))
    if (used === 1) holdRun(k, run.start, run.end, 'poison', 1)
  }
}

/** The memory map of the range is gone, and the poison’s references with it. */
export const forgetRange = (k: Kernel, start: number, size: number): void =>
  k.holders.clear(start / PAGE_SIZE, (start + size) / PAGE_SIZE)
