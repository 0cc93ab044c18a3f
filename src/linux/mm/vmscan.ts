import { int, ref, wide } from '../../arena'
import { at } from '../../machine'
import { flush_tlb_range, untilFlushed } from '../arch/x86/mm/tlb'
import { DIRTY, PTE } from '../arch/x86/pgtable'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import {
  clearFlag,
  hasFlag,
  isAnon,
  isExclusive,
  isLarge,
  maybeDmaPinned,
  pageMapcount,
  refcountOf,
  setFlag,
} from './folio'
import { getAs, hold } from './holders'
import { folio_trylock, folio_unlock, lockPtl, unlockPtl, untilPtl } from './locks'
import { free_page } from './page_alloc'
import { anonPlaces, folio_remove_rmap_pte, folio_try_share_anon_rmap } from './rmap-anon'
import { folio_put, putAs } from './swap'
import { add_to_swap, swap_duplicate, swap_free, swap_writepage, uncache } from './swapfile'

/** Reclaim keeps what may be pinned (5.11), and under (vi) what anybody else refers to. */
function isKept(k: Kernel, pfn: number): boolean {
  if (k.policy.swapPinned === 'keep' && maybeDmaPinned(k, pfn)) return true
  const expected = pageMapcount(k, pfn) + 1
  return k.policy.cowReuse === 'linus' && refcountOf(k, pfn) !== expected
}

/** Waits for the page table lock of the next entry that maps a page. */
const untilNextPtlOf = at(
  untilPtl,
  (k: Kernel, { pfn }: { readonly pfn: number }) => anonPlaces(k, pfn)[0],
)

/** Waits for the flush of what was unmapped; nothing was: there is no wait. */
const untilBatchFlushed = at(
  untilFlushed,
  (_k: Kernel, t: { readonly mm: number; readonly task: { readonly id: number } }) =>
    t.mm === 0 ? undefined : t,
)

/** W13 and W14 of the pins sheet: reclaim takes one anonymous page. */
export const shrink_folio_list = operation({
  name: 'shrink_folio_list',
  does: 'kswapd reclaims one anonymous page: swap cache, unmap, write out, free.',
  source: { file: 'mm/vmscan.c', fn: 'shrink_folio_list', version: '6.12' },
  leftOut: 'Page ageing: the page is taken whatever its age. File pages, large folios, zswap.',
  start: {
    label: 'Reclaim this page (swap it out)',
    on: ['page'],
    by: 'admin',
    args: (_k, { key }) => ({ pfn: key ?? 0 }),
    refuse(k, { pfn }) {
      if (!k.pages.has(pfn)) return 'There is no such page.'
      if (isLarge(k, pfn)) return 'Large folios are not reclaimed here.'
      const usable = isAnon(k, pfn) && pageMapcount(k, pfn) > 0
      if (!usable) return 'Only anonymous pages that are mapped are reclaimed here.'
      return hasFlag(k, pfn, PG.lru)
        ? undefined
        : 'The page is on no LRU list: it waits in a batch, or is isolated.'
    },
  },
  params: { pfn: wide() },
  locals: { mm: ref('mm_struct'), vpn: wide(), flags: int(), exclusive: int() },
  entry: 'isolate',
  steps: {
    isolate: {
      does: 'Take the page off the LRU list, and hold it.',
      fn: 'isolate_lru_folios',
      run(k, t) {
        if (!hasFlag(k, t.pfn, PG.lru) || refcountOf(k, t.pfn) === 0) return t.done()
        getAs(k, t.pfn, 'iso')
        clearFlag(k, t.pfn, PG.lru)
        return 'lock'
      },
    },
    lock: {
      does: 'Lock the folio, or leave it alone if somebody has it.',
      fn: 'folio_trylock',
      run: (k, t) => (folio_trylock(k, t.pfn, t.task.id) ? 'add_to_swap' : 'putback'),
    },
    add_to_swap: {
      does: 'May it be pinned? Then it stays. Otherwise it gets a swap slot, and the swap cache holds it.',
      fn: 'add_to_swap',
      run(k, t) {
        if (isKept(k, t.pfn)) return 'keep'
        if (hasFlag(k, t.pfn, PG.swapcache) || add_to_swap(k, t.pfn)) return 'unmap'
        return 'keep'
      },
    },
    unmap: {
      does: 'Clear the next entry that maps it, the flush to follow later; one more entry will name the slot.',
      fn: 'try_to_unmap_one',
      when: untilNextPtlOf,
      run(k, t) {
        const place = anonPlaces(k, t.pfn)[0]
        if (place === undefined) return 'flush'
        const { mm, vpn } = place
        lockPtl(k, mm, vpn, t.task.id)
        t.mm = k.mms.at(mm).id
        t.vpn = vpn
        t.flags = k.ptes.in(mm).at(vpn).flags
        k.ptes.in(mm).clear(vpn, vpn + 1)
        k.mms.at(mm).tlb_flush_pending += 1
        k.unmapBatches.in(t.task.id).fill(mm, mm + 1, { vpn })
        swap_duplicate(k, k.pages.at(t.pfn).private)
        return 'share'
      },
    },
    share: {
      does: 'Barrier; pinned meanwhile? Then the entry is put back. Otherwise the page is no longer exclusive, and the entry becomes a swap entry.',
      fn: 'folio_try_share_anon_rmap_pte',
      run(k, t) {
        const offset = k.pages.at(t.pfn).private
        t.exclusive = isExclusive(k, t.pfn) ? 1 : 0
        if (!folio_try_share_anon_rmap(k, t.pfn)) {
          swap_free(k, offset)
          restore(k, t, t.task.id)
          return 'flush'
        }
        if ((t.flags & DIRTY) !== 0) setFlag(k, t.pfn, PG.dirty)
        const flags = (t.flags & PTE.soft_dirty) | (t.exclusive === 1 ? PTE.swp_exclusive : 0)
        k.ptes.in(t.mm).fill(t.vpn, t.vpn + 1, { pfn: offset, flags, kind: 'swap' })
        return 'remove_rmap'
      },
    },
    remove_rmap: {
      does: 'The page is mapped once less, and loses the entry’s reference; drop the page table lock.',
      fn: 'folio_remove_rmap_pte',
      run(k, t) {
        folio_remove_rmap_pte(k, t.pfn)
        folio_put(k, t.pfn)
        unlockPtl(k, t.mm, t.vpn)
        return 'unmap'
      },
    },
    flush: {
      does: 'Flush the TLBs. Still mapped: keep it. Otherwise: does anybody but reclaim and the swap cache hold it?',
      fn: 'try_to_unmap_flush',
      when: untilBatchFlushed,
      run(k, t) {
        flushBatch(k, t.task.id, t.vpn)
        if (pageMapcount(k, t.pfn) > 0) return 'keep'
        return refcountOf(k, t.pfn) === 2 ? 'pageout' : 'keep'
      },
    },
    pageout: {
      does: 'Nobody else holds it: write it to its slot.',
      fn: 'pageout',
      run(k, t) {
        swap_writepage(k, t.pfn)
        return 'freeze'
      },
    },
    freeze: {
      does: 'Freeze the count from 2 to 0: from here nobody can take the page. Somebody came meanwhile: keep it.',
      fn: '__remove_mapping',
      run(k, t) {
        if (refcountOf(k, t.pfn) !== 2) return 'keep'
        k.pages.at(t.pfn).refcount = 0
        k.holders.at(t.pfn).frozen = 2
        return 'free'
      },
    },
    free: {
      does: 'Out of the swap cache, and free.',
      fn: '__delete_from_swap_cache',
      run(k, t) {
        uncache(k, t.pfn)
        k.holders.at(t.pfn).frozen = 0
        hold(k, t.pfn, 'iso', -1)
        folio_unlock(k, t.pfn)
        free_page(k, t.pfn)
        return t.done(1)
      },
    },
    keep: {
      does: 'Not freed: unlock it.',
      fn: 'folio_unlock',
      run(k, t) {
        folio_unlock(k, t.pfn)
        return 'putback'
      },
    },
    putback: {
      does: 'Back to the LRU list, and let it go.',
      fn: 'move_folios_to_lru',
      run(k, t) {
        setFlag(k, t.pfn, PG.lru)
        putAs(k, t.pfn, 'iso')
        return t.done(0)
      },
    },
  },
})

interface Unmapped {
  readonly mm: number
  readonly vpn: number
  readonly pfn: number
  readonly flags: number
}

/** The entry as it was: nothing has changed for the process. */
function restore(k: Kernel, { mm, vpn, pfn, flags }: Unmapped, task: number): void {
  k.ptes.in(mm).fill(vpn, vpn + 1, { pfn, flags })
  k.unmapBatches.in(task).clear(mm, mm + 1)
  k.mms.at(mm).tlb_flush_pending -= 1
  unlockPtl(k, mm, vpn)
}

/** try_to_unmap_flush(): every address space that lost an entry in this batch. */
function flushBatch(k: Kernel, task: number, vpn: number): void {
  for (const { start, end } of k.unmapBatches.in(task).runs())
    for (let mm = start; mm < end; mm++) {
      flush_tlb_range(k, mm, vpn, vpn + 1)
      k.mms.at(mm).tlb_flush_pending -= 1
    }
  k.unmapBatches.in(task).clear(0, k.mms.capacity + 1)
}
