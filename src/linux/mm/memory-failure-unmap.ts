import { at } from '../../machine'
import { flush_tlb_range } from '../arch/x86/mm/tlb'
import { DIRTY, PTE } from '../arch/x86/pgtable'
import { MF } from '../include/mm'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { isOnDisk } from './filemap'
import { hasFlag, isAnon, isExclusive, setFlag } from './folio'
import { untilPtlAndFlush } from './locks'
import { allPlaces, folio_remove_rmap_pte, folio_try_share_anon_rmap } from './rmap-anon'
import { folio_put } from './swap'
import { swap_duplicate } from './swapfile'

interface Lost {
  readonly pfn: number
  readonly task: { readonly id: number }
}

/** The next entry that maps the page, wherever: the walk of its reverse map. */
export const nextPlace = (k: Kernel, pfn: number) => allPlaces(k, pfn)[0]

/** Waits until the next entry of a page can be taken, and its flush be answered. */
export const untilNextPlace = at(untilPtlAndFlush, (k: Kernel, { pfn, task }: Lost) => {
  const place = nextPlace(k, pfn)
  return place && { ...place, task }
})

const isAnyEntryDirty = (k: Kernel, pfn: number): boolean =>
  allPlaces(k, pfn).some(({ mm, vpn }) => (k.ptes.in(mm).at(vpn).flags & DIRTY) !== 0)

/**
 * The first half of hwpoison_user_mappings(): a page of a disk file that is clean can be read again, so
 * its entries just go, and nobody needs to hear of it. folio_mkclean() brings dirty entries to light.
 */
export function isDroppable(k: Kernel, pfn: number, flags: number): boolean {
  const { mapping } = k.pages.at(pfn)
  if (isAnon(k, pfn) || mapping === 0 || !isOnDisk(k, mapping)) return false
  if ((flags & MF.must_kill) !== 0 || hasFlag(k, pfn, PG.dirty)) return false
  if (!isAnyEntryDirty(k, pfn)) return true
  setFlag(k, pfn, PG.dirty)
  return false
}

/**
 * try_to_unmap_one() with TTU_HWPOISON: the entry becomes a hwpoison entry; none where the page was
 * clean; a swap entry where the page is in the swap cache. False: it may be pinned, and keeps its entry.
 */
export function unmapPoisoned(
  k: Kernel,
  pfn: number,
  { mm, vpn }: { mm: number; vpn: number },
  droppable: boolean,
): boolean {
  const ptes = k.ptes.in(mm)
  const { flags } = ptes.at(vpn)
  if (hasFlag(k, pfn, PG.swapcache)) {
    if (!toSwapEntry(k, pfn, { mm, vpn })) return false
  } else if (droppable) ptes.clear(vpn, vpn + 1)
  else ptes.fill(vpn, vpn + 1, { pfn, kind: 'hwpoison' })
  flush_tlb_range(k, mm, vpn, vpn + 1)
  if ((flags & DIRTY) !== 0) setFlag(k, pfn, PG.dirty)
  folio_remove_rmap_pte(k, pfn)
  folio_put(k, pfn)
  return true
}

function toSwapEntry(k: Kernel, pfn: number, { mm, vpn }: { mm: number; vpn: number }): boolean {
  const ptes = k.ptes.in(mm)
  const exclusive = isExclusive(k, pfn)
  if (!folio_try_share_anon_rmap(k, pfn)) return false
  const offset = k.pages.at(pfn).private
  swap_duplicate(k, offset)
  const kept = ptes.at(vpn).flags & PTE.soft_dirty
  const flags = kept | (exclusive ? PTE.swp_exclusive : 0)
  ptes.fill(vpn, vpn + 1, { pfn: offset, flags, kind: 'swap' })
  return true
}
