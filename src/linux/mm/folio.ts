import { PTE } from '../arch/x86/pgtable'
import { GUP_PIN_COUNTING_BIAS, PAGE_MAPPING, PAGE_MAPPING_KSM, PG } from '../include/page-flags'
import type { Kernel } from '../kernel'

/** compound_head(): the page that counts for this one. */
export const headOf = (k: Kernel, pfn: number): number =>
  k.folios.has(pfn) ? k.folios.at(pfn).head : pfn

export const isLarge = (k: Kernel, pfn: number): boolean => k.folios.has(pfn)

/** folio_nr_pages(). */
export const pagesOf = (k: Kernel, pfn: number): number =>
  k.folios.has(pfn) ? 1 << k.folios.at(pfn).order : 1

/** Changes a field that all pages of a large folio share. */
export function editFolio(
  k: Kernel,
  pfn: number,
  field: 'large_mapcount' | 'entire_mapcount' | 'nr_pages_mapped' | 'pincount',
  by: number,
): void {
  const { head, order } = k.folios.at(pfn)
  k.folios.edit(head, head + (1 << order), (row) => ({ [field]: row[field] + by }))
}

/** folio_ref_add() on the folio of a page. */
export function refAdd(k: Kernel, pfn: number, count: number): void {
  k.pages.at(headOf(k, pfn)).refcount += count
}

export const refcountOf = (k: Kernel, pfn: number): number => k.pages.at(headOf(k, pfn)).refcount

export function hasFlag(k: Kernel, pfn: number, flag: number): boolean {
  return (k.pages.at(pfn).flags & flag) !== 0
}

export function setFlag(k: Kernel, pfn: number, flag: number): void {
  k.pages.at(pfn).flags |= flag
}

export function clearFlag(k: Kernel, pfn: number, flag: number): void {
  k.pages.at(pfn).flags &= ~flag
}

/** folio_test_anon(): also true of a KSM page. */
export const isAnon = (k: Kernel, pfn: number): boolean =>
  (k.pages.at(headOf(k, pfn)).mapping_flags & PAGE_MAPPING.anon) !== 0

export const isKsm = (k: Kernel, pfn: number): boolean =>
  (k.pages.at(pfn).mapping_flags & PAGE_MAPPING_KSM) === PAGE_MAPPING_KSM

/** page_mapcount(): entries that map this page, those of its whole folio included. */
export const pageMapcount = (k: Kernel, pfn: number): number =>
  k.pages.at(pfn).mapcount + 1 + (k.folios.has(pfn) ? k.folios.at(pfn).entire_mapcount + 1 : 0)

/** folio_mapcount(): all entries that map any page of the folio. */
export const folioMapcount = (k: Kernel, pfn: number): number =>
  k.folios.has(pfn) ? k.folios.at(pfn).large_mapcount + 1 : k.pages.at(pfn).mapcount + 1

/** True where the kernel keeps PG_anon_exclusive (5.19). */
export const tracksExclusive = (k: Kernel): boolean =>
  k.policy.cowReuse === 'exclusive' || k.policy.cowReuse === 'exclusiveLarge'

export const isExclusive = (k: Kernel, pfn: number): boolean => hasFlag(k, pfn, PG.anon_exclusive)

/** What one FOLL_PIN adds to `_refcount` of a small page in this kernel. */
export const pinBias = (k: Kernel): number =>
  k.policy.pinCount === 'one' ? 1 : GUP_PIN_COUNTING_BIAS

/**
 * folio_maybe_dma_pinned(): "no" is certain, "yes" may be false for a small page. The comparison is
 * unsigned, so a count that overflowed says yes. Up to 5.6 there was nothing to ask.
 */
export function maybeDmaPinned(k: Kernel, pfn: number): boolean {
  if (k.policy.pinCount === 'one') return false
  if (k.folios.has(pfn)) return k.folios.at(pfn).pincount > 0
  return k.pages.at(pfn).refcount >>> 0 >= GUP_PIN_COUNTING_BIAS
}

/** is_zero_folio(): the zero page of 4 KiB alone; the huge one is counted by pins as any folio. */
export const is_zero_folio = (k: Kernel, pfn: number): boolean => pfn === k.globals.zero_pfn

export const isZeroPage = (k: Kernel, pfn: number): boolean =>
  is_zero_folio(k, pfn) ||
  (k.globals.huge_zero_pfn !== 0 && headOf(k, pfn) === k.globals.huge_zero_pfn)

/** True of an entry of the zero page, or of DAX, which no page counts as an ordinary one. */
export const isUncounted = (flags: number): boolean => (flags & (PTE.special | PTE.devmap)) !== 0

/** folio_is_zone_device(): memory of a device, which the page allocator never gets. */
export const isZoneDevice = (k: Kernel, pfn: number): boolean => k.pages.at(pfn).pgmap !== 0

/** Memory of a device that files or its node map: entries do not count in it as in other pages. */
export function isDax(k: Kernel, pfn: number): boolean {
  const { pgmap } = k.pages.at(pfn)
  if (pgmap === 0) return false
  const { type } = k.pgmaps.at(pgmap)
  return type === 'FS_DAX' || type === 'GENERIC'
}

/** The swap-cache reference of a page: one for each of its pages. */
export const inSwapCache = (k: Kernel, pfn: number): boolean =>
  hasFlag(k, headOf(k, pfn), PG.swapcache)
