import { int, ref, wide } from '../../arena'
import { PTE } from '../arch/x86/pgtable'
import { VM_FAULT_HWPOISON, VM_FAULT_OOM } from '../include/mm'
import { VM } from '../include/mm_types'
import { PAGE_MAPPING, PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { hasFlag, isKsm, pageMapcount, refcountOf, setFlag, tracksExclusive } from './folio'
import { getAs, handOver } from './holders'
import { folio_trylock, folio_unlock, untilFolioUnlocked, untilPtl } from './locks'
import { FRESH, WRITTEN } from './memory-anon'
import { alloc_page } from './page_alloc'
import { addRmap, setExclusive } from './rmap-anon'
import { lru_add_drain, putAs } from './swap'
import {
  add_to_swap_cache,
  delete_from_swap_cache,
  folio_free_swap,
  swap_free,
  swapCountOf,
} from './swapfile'

interface SwapFault {
  readonly mm: number
  readonly vpn: number
  readonly offset: number
  readonly pfn: number
  readonly write: number
}

const isStillSwapped = (k: Kernel, { mm, vpn, offset }: SwapFault): boolean => {
  const ptes = k.ptes.in(mm)
  if (!ptes.has(vpn)) return false
  const { kind, pfn } = ptes.at(vpn)
  return kind === 'swap' && pfn === offset
}

/** The test up to 5.17, with the fault’s own swap entry counted: may a write map the page writable? */
function reuse_swap_page(k: Kernel, pfn: number): boolean {
  const entries = pageMapcount(k, pfn) + swapCountOf(k, pfn)
  if (isKsm(k, pfn) || entries > 1) return false
  if (hasFlag(k, pfn, PG.swapcache) && !hasFlag(k, pfn, PG.writeback)) {
    delete_from_swap_cache(k, pfn)
    setFlag(k, pfn, PG.dirty)
  }
  return true
}

/** Drops the slot’s count of this entry, and tells whether the page is this process’s alone (§4.2). */
function settleOwnership(k: Kernel, t: SwapFault): boolean {
  const marked = (k.ptes.in(t.mm).at(t.vpn).flags & PTE.swp_exclusive) !== 0
  const isNew = tracksExclusive(k) || k.policy.cowReuse === 'streamlined'
  const reused = !isNew && t.write === 1 && reuse_swap_page(k, t.pfn)
  swap_free(k, t.offset)
  if (!isNew) return reused
  if (t.write === 1 && refcountOf(k, t.pfn) === 2) folio_free_swap(k, t.pfn)
  if (isKsm(k, t.pfn)) return false
  const alone = refcountOf(k, t.pfn) === 1
  return tracksExclusive(k) ? marked || alone : t.write === 1 && alone
}

function entryOf(k: Kernel, vma: number, exclusive: boolean, write: number): number {
  const mayWrite = (k.vmas.at(vma).vm_flags & VM.write) !== 0
  if (!exclusive || !mayWrite) return FRESH
  return write === 1 ? FRESH | WRITTEN : FRESH | PTE.rw
}

/** The last paragraph of §4.6 of the pins sheet. */
export const do_swap_page = operation({
  name: 'do_swap_page',
  does: 'Brings a page back from swap, from the swap cache if it is still there.',
  source: { file: 'mm/memory.c', fn: 'do_swap_page', version: '6.12' },
  leftOut:
    'Readahead, devices that skip the swap cache, read errors; a write that is still not allowed faults again instead of going on in do_wp_page().',
  params: {
    vma: ref('vm_area_struct'),
    mm: ref('mm_struct'),
    vpn: wide(),
    offset: wide(),
    write: int(),
  },
  locals: { pfn: wide() },
  entry: 'lookup',
  steps: {
    lookup: {
      does: 'Look the slot up in the swap cache, and hold the page; or allocate one and read it in.',
      fn: 'swap_cache_get_folio',
      run(k, t) {
        if (!isStillSwapped(k, t)) return t.done()
        const slot = k.swapMap.at(t.offset)
        if (slot.has_cache === 1) {
          if (k.pages.at(slot.pfn).refcount === 0) return t.done()
          if (hasFlag(k, slot.pfn, PG.hwpoison)) return t.done(VM_FAULT_HWPOISON)
          t.pfn = slot.pfn
          getAs(k, t.pfn, 'tmp')
          return 'lock_folio'
        }
        const pfn = alloc_page(k)
        if (pfn === undefined) return t.done(VM_FAULT_OOM)
        t.pfn = pfn
        handOver(k, pfn, 'alloc', 'tmp')
        return 'read'
      },
    },
    read: {
      does: 'Read the slot into the new page, which joins the swap cache and the LRU list. Another thread was first: use its page.',
      fn: '__read_swap_cache_async',
      run(k, t) {
        if (!isStillSwapped(k, t) || k.swapMap.at(t.offset).has_cache === 1) {
          putAs(k, t.pfn, 'tmp')
          return t.done()
        }
        const { value, rest } = k.swapMap.at(t.offset)
        const page = k.pages.at(t.pfn)
        page.flags |= PG.uptodate | PG.swapbacked | PG.lru
        page.mapping_flags = PAGE_MAPPING.anon
        page.anon_vma = k.mms.at(t.mm).id
        page.index = t.vpn
        add_to_swap_cache(k, t.pfn, t.offset)
        k.contents.fill(t.pfn, t.pfn + 1, { value, rest })
        return 'lock_folio'
      },
    },
    lock_folio: {
      does: 'Lock the folio; if it left the swap cache meanwhile, try again.',
      fn: 'folio_lock_or_retry',
      when: untilFolioUnlocked,
      run(k, t) {
        const isCached = hasFlag(k, t.pfn, PG.swapcache) && k.pages.at(t.pfn).private === t.offset
        if (!isCached) {
          putAs(k, t.pfn, 'tmp')
          return t.done()
        }
        folio_trylock(k, t.pfn, t.task.id)
        return t.write === 1 && !hasFlag(k, t.pfn, PG.lru) ? 'drain' : 'map'
      },
    },
    drain: {
      does: 'A write to a page that is on no LRU list: drain this CPU’s batches.',
      fn: 'lru_add_drain',
      run(k, t) {
        lru_add_drain(k, t.task.id)
        return 'map'
      },
    },
    map: {
      does: 'Under the page table lock: whose is the page? Free the swap entry, map the page, unlock it. The lookup’s reference becomes the entry’s.',
      fn: 'do_swap_page',
      when: untilPtl,
      run(k, t) {
        if (!isStillSwapped(k, t)) {
          folio_unlock(k, t.pfn)
          putAs(k, t.pfn, 'tmp')
          return t.done()
        }
        const old = k.ptes.in(t.mm).at(t.vpn).flags & PTE.soft_dirty
        const exclusive = settleOwnership(k, t)
        addRmap(k, t.pfn)
        if (exclusive) setExclusive(k, t.pfn)
        const flags = entryOf(k, t.vma, exclusive, t.write) | old
        k.ptes.in(t.mm).fill(t.vpn, t.vpn + 1, { pfn: t.pfn, flags })
        handOver(k, t.pfn, 'tmp')
        folio_unlock(k, t.pfn)
        return t.done()
      },
    },
  },
})
