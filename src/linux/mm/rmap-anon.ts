import { isDevicePrivate, isPresent } from '../arch/x86/pgtable'
import { ENTIRELY_MAPPED } from '../include/mm_types'
import { PAGE_MAPPING, PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import {
  clearFlag,
  editFolio,
  hasFlag,
  isExclusive,
  isLarge,
  maybeDmaPinned,
  setFlag,
  tracksExclusive,
} from './folio'

export interface Place {
  readonly mm: number
  readonly vpn: number
}

/** folio_add_new_anon_rmap(), RMAP_EXCLUSIVE: a fresh page becomes an anonymous page of one process. */
export function folio_add_new_anon_rmap(k: Kernel, pfn: number, { mm, vpn }: Place): void {
  const page = k.pages.at(pfn)
  page.anon_vma = k.mms.at(mm).id
  page.mapping_flags = PAGE_MAPPING.anon
  page.index = vpn
  page.flags |= PG.swapbacked | (tracksExclusive(k) ? PG.anon_exclusive : 0)
  if (!isLarge(k, pfn)) page.mapcount += 1
  else {
    editFolio(k, pfn, 'large_mapcount', 1)
    editFolio(k, pfn, 'entire_mapcount', 1)
    editFolio(k, pfn, 'nr_pages_mapped', ENTIRELY_MAPPED)
  }
}

/** The counting part of folio_add_anon_rmap_pte(), folio_dup_file_rmap_pte() and their kin. */
export function addRmap(k: Kernel, pfn: number): void {
  k.pages.at(pfn).mapcount += 1
  if (!isLarge(k, pfn)) return
  editFolio(k, pfn, 'large_mapcount', 1)
  if (k.pages.at(pfn).mapcount === 0) editFolio(k, pfn, 'nr_pages_mapped', 1)
}

/** folio_remove_rmap_pte(). The reference is not touched. */
export function folio_remove_rmap_pte(k: Kernel, pfn: number): void {
  k.pages.at(pfn).mapcount -= 1
  if (!isLarge(k, pfn)) return
  editFolio(k, pfn, 'large_mapcount', -1)
  if (k.pages.at(pfn).mapcount === -1) editFolio(k, pfn, 'nr_pages_mapped', -1)
}

/** The PMD of a large folio: mapped once more, or once less. */
export function addRmapPmd(k: Kernel, pfn: number, by: 1 | -1): void {
  const before = k.folios.at(pfn).entire_mapcount
  editFolio(k, pfn, 'large_mapcount', by)
  editFolio(k, pfn, 'entire_mapcount', by)
  if (before + by === -1 || before === -1)
    editFolio(k, pfn, 'nr_pages_mapped', by * ENTIRELY_MAPPED)
}

/**
 * The question of folio_try_dup_anon_rmap_pte() (5.19): may fork share this page? Not if it is
 * exclusive and may be pinned by the parent. Sharing it ends its being exclusive.
 */
export function folio_try_dup_anon_rmap(k: Kernel, pfn: number, needsCow: boolean): boolean {
  if (isExclusive(k, pfn) && needsCow) return false
  clearFlag(k, pfn, PG.anon_exclusive)
  return true
}

/**
 * folio_try_share_anon_rmap_pte() (5.19): the entry is gone, now the page is made shareable, unless
 * it may be pinned. The barriers around the test pair with those of gup-fast.
 */
export function folio_try_share_anon_rmap(k: Kernel, pfn: number): boolean {
  if (!hasFlag(k, pfn, PG.anon_exclusive)) return true
  if (maybeDmaPinned(k, pfn)) return false
  clearFlag(k, pfn, PG.anon_exclusive)
  return true
}

/** folio_move_anon_rmap(): the page belongs to this process alone from now on. Needs the folio lock. */
export function folio_move_anon_rmap(k: Kernel, pfn: number, mm: number): void {
  k.pages.at(pfn).anon_vma = k.mms.at(mm).id
}

/** SetPageAnonExclusive(), where there is such a flag. */
export function setExclusive(k: Kernel, pfn: number): void {
  if (tracksExclusive(k)) setFlag(k, pfn, PG.anon_exclusive)
}

/** Where an anonymous page is mapped: the walk of its anon_vma. Nothing moves areas here, so it is one address. */
export function anonPlaces(k: Kernel, pfn: number): Place[] {
  const vpn = k.pages.at(pfn).index
  if (vpn < 0) return []
  return k.mms
    .rows()
    .map(({ id }) => ({ mm: id, vpn }))
    .filter(({ mm }) => {
      const ptes = k.ptes.in(mm)
      if (!ptes.has(vpn)) return false
      const { kind, flags, pfn: mapped } = ptes.at(vpn)
      return mapped === pfn && (isPresent({ kind, flags }) || isDevicePrivate({ kind }))
    })
}

/** Every entry that maps a page, wherever: KSM pages have no address of their own. */
export function allPlaces(k: Kernel, pfn: number): Place[] {
  return k.mms.rows().flatMap(({ id }) =>
    k.ptes
      .in(id)
      .runs()
      .filter((run) => run.kind === 'leaf' && run.pfn <= pfn && pfn < run.pfn + run.length)
      .map((run) => ({ mm: id, vpn: run.start + pfn - run.pfn })),
  )
}
