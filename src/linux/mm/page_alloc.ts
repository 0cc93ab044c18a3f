import { NONE } from '../../arena'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { forgetIdle, hold } from './holders'

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
  k.pages.fill(pfn, pfn + pages, { ...FREED })
  k.freePages.fill(pfn, pfn + pages, {})
  for (const { start, end } of k.holders.runs(pfn, pfn + pages))
    for (let page = start; page < end; page++) forgetIdle(k, page)
}
