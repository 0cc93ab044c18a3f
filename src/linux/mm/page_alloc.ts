import { NONE } from '../../arena'
import { MEMORY_BLOCK_PAGES } from '../include/memory'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { forgetIdle, hold, holdRun } from './holders'

const FREED = {
  flags: 0,
  refcount: 0,
  mapcount: -1,
  mapping: 0,
  anon_vma: 0,
  mapping_flags: 0,
  index: NONE,
  private: 0,
} as const

/** Where an allocation may come from: GFP_HIGHUSER_MOVABLE, or memory that must stay where it is. */
export type Mobility = 'movable' | 'unmovable'

const zonesFor = (k: Kernel, mobility: Mobility) => {
  const fits = k.zones.rows().filter(({ type }) => type !== 'DEVICE')
  const order = mobility === 'movable' ? ['MOVABLE', 'NORMAL', 'DMA32'] : ['NORMAL', 'DMA32']
  return order.flatMap((type) => fits.filter((zone) => zone.type === type))
}

/**
 * alloc_pages(): the lowest free page of the first zone that has one, so that equal histories give
 * equal pages. `_refcount` is 1, and the caller holds it. Undefined: out of memory.
 */
export function alloc_page(
  k: Kernel,
  mobility: Mobility = 'movable',
  pages = 1,
): number | undefined {
  for (const { start, end } of zonesFor(k, mobility))
    for (const run of k.freePages.runs(start, end)) {
      if (run.isolated === 1) continue
      const pfn = pages === 1 ? run.start : Math.ceil(run.start / pages) * pages
      if (pfn + pages > run.end) continue
      k.freePages.clear(pfn, pfn + pages)
      k.pages.fill(pfn, pfn + pages, { ...FREED })
      k.pages.at(pfn).refcount = 1
      k.contents.fill(pfn, pfn + pages, {})
      hold(k, pfn, 'alloc')
      return pfn
    }
  return undefined
}

/** get_pageblock_migratetype() is MIGRATE_ISOLATE: the block of memory is being offlined. */
function isolationOf(k: Kernel, pfn: number): number {
  const block = Math.floor(pfn / MEMORY_BLOCK_PAGES)
  return k.memoryBlocks.has(block) ? k.memoryBlocks.at(block).isolated : 0
}

/** prep_compound_page(): makes pages from an aligned pfn on one folio. */
export function prep_compound_page(k: Kernel, head: number, order: number): void {
  k.folios.fill(head, head + (1 << order), { head, order })
  k.pages.at(head).flags |= PG.head
  k.pages.edit(head + 1, head + (1 << order), () => ({ refcount: 0 }))
}

/** free_unref_page(), free_pages_prepare(): the page, flags and mapping cleared, is free again. */
export function free_page(k: Kernel, pfn: number): void {
  const pages = k.folios.has(pfn) ? 1 << k.folios.at(pfn).order : 1
  k.folios.clear(pfn, pfn + pages)
  const poisoned = k.pages.runs(pfn, pfn + pages).filter(({ flags }) => (flags & PG.hwpoison) !== 0)
  k.pages.fill(pfn, pfn + pages, { ...FREED })
  k.freePages.fill(pfn, pfn + pages, { isolated: isolationOf(k, pfn) })
  for (const { start, end } of poisoned) keepAway(k, start, end)
  for (const { start, end } of k.holders.runs(pfn, pfn + pages))
    for (let page = start; page < end; page++) forgetIdle(k, page)
}

/** free_pages_prepare() refuses a poisoned page; one inside a huge page is found when it would be handed out. */
function keepAway(k: Kernel, start: number, end: number): void {
  k.freePages.clear(start, end)
  k.pages.edit(start, end, () => ({ flags: PG.hwpoison }))
}

/** The same for consecutive order-0 pages: the cost is that of their runs. */
export function free_pages(k: Kernel, start: number, end: number): void {
  k.pages.fill(start, end, { ...FREED })
  for (let pfn = start; pfn < end; ) {
    const next = Math.min(end, (Math.floor(pfn / MEMORY_BLOCK_PAGES) + 1) * MEMORY_BLOCK_PAGES)
    k.freePages.fill(pfn, next, { isolated: isolationOf(k, pfn) })
    pfn = next
  }
}

/**
 * Takes free pages, at most `wanted`, all beside each other: what a batch of migration goes to. Memory
 * that was hot-added comes last, as if it were another node; memory that is being offlined never.
 */
export function alloc_batch(
  k: Kernel,
  wanted: number,
): { readonly pfn: number; readonly pages: number } | undefined {
  const isAdded = ({ start }: { start: number }) =>
    k.memoryBlocks.has(Math.floor(start / MEMORY_BLOCK_PAGES))
  const zones = zonesFor(k, 'unmovable')
  const all = [...zones.filter((zone) => !isAdded(zone)), ...zones.filter(isAdded)]
  for (const { start, end } of all)
    for (const run of k.freePages.runs(start, end)) {
      if (run.isolated === 1) continue
      const pages = Math.min(wanted, run.length)
      k.freePages.clear(run.start, run.start + pages)
      k.pages.fill(run.start, run.start + pages, { ...FREED, refcount: 1 })
      k.contents.fill(run.start, run.start + pages, {})
      holdRun(k, run.start, run.start + pages, 'alloc', 1)
      return { pfn: run.start, pages }
    }
  return undefined
}
