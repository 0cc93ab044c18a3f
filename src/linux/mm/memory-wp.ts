import { int, ref, wide } from '../../arena'
import { flush_tlb_range, untilFlushed } from '../arch/x86/mm/tlb'
import { isPresent, mkwrite, PTE } from '../arch/x86/pgtable'
import { VM_FAULT_OOM } from '../include/mm'
import { VM } from '../include/mm_types'
import { PAGE_MAPPING, PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { copyPage } from './contents'
import {
  hasFlag,
  isAnon,
  isExclusive,
  isKsm,
  isLarge,
  isUncounted,
  pageMapcount,
  refAdd,
  refcountOf,
  setFlag,
  tracksExclusive,
} from './folio'
import { handOver, hold } from './holders'
import { labelsOf } from './labels'
import {
  folio_trylock,
  folio_unlock,
  isFolioLocked,
  lockPtl,
  unlockPtl,
  untilFolioUnlocked,
  untilPtl,
} from './locks'
import { dirtyEntry, FRESH } from './memory-anon'
import { alloc_page } from './page_alloc'
import {
  folio_add_new_anon_rmap,
  folio_move_anon_rmap,
  folio_remove_rmap_pte,
  setExclusive,
} from './rmap-anon'
import { folio_add_lru, folio_put, lru_add_drain } from './swap'
import { delete_from_swap_cache, folio_free_swap, swapCountOf } from './swapfile'

interface Fault {
  readonly mm: number
  readonly vpn: number
  readonly pfn: number
  readonly flags: number
  readonly vma: number
}

/** pte_same(): the entry is what the fault saw when it began. */
function isUnchanged(k: Kernel, { mm, vpn, pfn, flags }: Fault): boolean {
  const ptes = k.ptes.in(mm)
  if (!ptes.has(vpn)) return false
  const pte = ptes.at(vpn)
  // The CPU may have set A or D meanwhile; the kernel compares them too, and faults again.
  return isPresent(pte) && pte.pfn === pfn && pte.flags === flags
}

/** Where the rule of this kernel begins to judge the page (pins sheet §4.6). */
function firstTest(k: Kernel, t: Fault) {
  if (isUncounted(t.flags)) return 'take_old'
  if ((k.vmas.at(t.vma).vm_flags & VM.shared) !== 0) return 'share_write'
  if (!isAnon(k, t.pfn)) return 'take_old'
  switch (k.policy.cowReuse) {
    case 'mapcount':
    case 'fullAccuracy':
      return 'lock_page'
    case 'pageCount':
    case 'linus':
      return 'count_refs'
    case 'labelled':
      return 'count_labels'
    case 'streamlined':
      return isLarge(k, t.pfn) ? 'take_old' : 'test_refs'
    case 'exclusive':
    case 'exclusiveLarge':
      if (isExclusive(k, t.pfn)) return 'reuse'
      return isLarge(k, t.pfn) ? 'test_large' : 'test_refs'
    default:
      return k.policy.cowReuse satisfies never
  }
}

/** The small print of (ii'): other references than these can never go away by themselves here. */
const MOST_REFS = 3

/** §4 of the pins sheet: a write (or an unshare request) meets a read-only entry. */
export const do_wp_page = operation({
  name: 'do_wp_page',
  does: 'A write hits a read-only entry: reuse the page, or give the process a copy.',
  source: {
    file: 'mm/memory.c',
    fn: 'do_wp_page',
    version: '6.12',
    note: 'The test is that of the policy cowReuse.',
  },
  leftOut: 'userfaultfd, mmu notifiers, soft-dirty tracking of shared areas, accounting.',
  params: {
    vma: ref('vm_area_struct'),
    mm: ref('mm_struct'),
    vpn: wide(),
    pfn: wide(),
    flags: int(),
    unshare: int(),
  },
  locals: { fresh: wide() },
  entry: 'lock',
  steps: {
    lock: {
      does: 'Take the page table lock; if the entry is no longer what the fault saw, the CPU tries again.',
      fn: 'do_wp_page',
      when: untilPtl,
      run(k, t) {
        if (!isUnchanged(k, t)) return t.done()
        lockPtl(k, t.mm, t.vpn, t.task.id)
        return firstTest(k, t)
      },
    },
    share_write: {
      does: 'A shared mapping: the entry becomes writable, there is nothing to copy.',
      fn: 'wp_page_shared',
      run(k, t) {
        k.ptes.in(t.mm).at(t.vpn).flags = mkwrite(t.flags) | dirtyEntry(k, t.vma) | PTE.accessed
        unlockPtl(k, t.mm, t.vpn)
        return t.done()
      },
    },
    lock_page: {
      does: 'Rule (i): take the folio lock; if somebody has it, sleep for it without the page table lock.',
      fn: 'trylock_page',
      run(k, t) {
        if (folio_trylock(k, t.pfn, t.task.id)) return 'count_entries'
        refAdd(k, t.pfn, 1)
        hold(k, t.pfn, 'tmp')
        unlockPtl(k, t.mm, t.vpn)
        return 'sleep'
      },
    },
    sleep: {
      does: 'The folio lock is free: take it.',
      fn: 'lock_page',
      when: untilFolioUnlocked,
      run(k, t) {
        folio_trylock(k, t.pfn, t.task.id)
        return 'relock'
      },
    },
    relock: {
      does: 'Take the page table lock again, and look whether the entry has changed meanwhile.',
      fn: 'do_wp_page',
      when: untilPtl,
      run(k, t) {
        const unchanged = isUnchanged(k, t)
        if (unchanged) lockPtl(k, t.mm, t.vpn, t.task.id)
        else folio_unlock(k, t.pfn)
        hold(k, t.pfn, 'tmp', -1)
        folio_put(k, t.pfn)
        return unchanged ? 'count_entries' : t.done()
      },
    },
    count_entries: {
      does: 'Rule (i): page table entries and swap entries, counted together; at most one, and the page is reused. References do not matter.',
      fn: 'reuse_swap_page',
      run(k, t) {
        const cached = hasFlag(k, t.pfn, PG.swapcache)
        if (isKsm(k, t.pfn)) {
          const mayReuse = k.policy.ksmReuse === 'freeze' && !cached && refcountOf(k, t.pfn) === 1
          if (mayReuse) return 'freeze'
          folio_unlock(k, t.pfn)
          return 'take_old'
        }
        const entries = pageMapcount(k, t.pfn) + swapCountOf(k, t.pfn)
        const isStill = cached && hasFlag(k, t.pfn, PG.writeback)
        if (entries === 1 && cached && !isStill) {
          delete_from_swap_cache(k, t.pfn)
          setFlag(k, t.pfn, PG.dirty)
        }
        if (entries === 1) folio_move_anon_rmap(k, t.pfn, t.mm)
        folio_unlock(k, t.pfn)
        return entries <= 1 ? 'reuse' : 'take_old'
      },
    },
    freeze: {
      does: 'A KSM page: freeze its count from 1 to 0, so that the stable tree cannot hand it out.',
      fn: 'reuse_ksm_page',
      run(k, t) {
        k.pages.at(t.pfn).refcount = 0
        k.holders.at(t.pfn).frozen = 1
        return 'unfreeze'
      },
    },
    unfreeze: {
      does: 'It is an anonymous page of this process now; unfreeze, unlock, reuse.',
      fn: 'reuse_ksm_page',
      run(k, t) {
        const page = k.pages.at(t.pfn)
        page.refcount = 1
        k.holders.at(t.pfn).frozen = 0
        page.mapping_flags = PAGE_MAPPING.anon
        page.anon_vma = k.mms.at(t.mm).id
        page.index = t.vpn
        folio_unlock(k, t.pfn)
        return 'reuse'
      },
    },
    count_refs: {
      does: 'Rule (ii): anything but exactly one reference, or a folio lock that is taken, and the page is copied.',
      fn: 'do_wp_page',
      run(k, t) {
        const alone = !isKsm(k, t.pfn) && refcountOf(k, t.pfn) === 1
        return alone && folio_trylock(k, t.pfn, t.task.id) ? 'recount_refs' : 'take_old'
      },
    },
    recount_refs: {
      does: 'Test again under the folio lock: KSM, _mapcount and _refcount.',
      fn: 'do_wp_page',
      run(k, t) {
        const alone = !isKsm(k, t.pfn) && pageMapcount(k, t.pfn) === 1 && refcountOf(k, t.pfn) === 1
        folio_unlock(k, t.pfn)
        return alone ? 'reuse' : 'take_old'
      },
    },
    count_labels: {
      does: 'Rule (iv): one page table entry and no process-incoherent user. DMA and lookups are not asked about.',
      fn: 'do_wp_page',
      run(k, t) {
        const { ptes, other } = labelsOf(k, t.pfn)
        return !isKsm(k, t.pfn) && ptes === 1 && other === 0 ? 'reuse' : 'take_old'
      },
    },
    test_large: {
      does: 'A large folio that is not exclusive: copied, unless from 6.15 on all its references are entries of this process.',
      fn: 'wp_can_reuse_anon_folio',
      run(k, t) {
        const { large_mapcount, head } = k.folios.at(t.pfn)
        const entries = large_mapcount + 1
        const own = k.ptes
          .in(t.mm)
          .runs()
          .filter(({ pfn, kind }) => kind === 'leaf' && pfn >= head && pfn < head + 512)
          .reduce((sum, { length }) => sum + length, 0)
        const mayReuse =
          k.policy.cowReuse === 'exclusiveLarge' &&
          entries > 1 &&
          refcountOf(k, t.pfn) === entries &&
          own === entries
        if (!mayReuse) return 'take_old'
        setExclusive(k, t.pfn)
        return 'reuse'
      },
    },
    test_refs: {
      does: 'Without the exclusive bit: a KSM page or more than 3 references, and the page is copied. Is it perhaps in this CPU’s LRU batch?',
      fn: 'wp_can_reuse_anon_folio',
      run(k, t) {
        if (isKsm(k, t.pfn) || refcountOf(k, t.pfn) > MOST_REFS) return 'take_old'
        return hasFlag(k, t.pfn, PG.lru) ? 'test_cache' : 'drain'
      },
    },
    drain: {
      does: 'Drain this CPU’s LRU batches: the reference may be one of them. Those of other CPUs stay.',
      fn: 'lru_add_drain',
      run(k, t) {
        lru_add_drain(k, t.task.id)
        return 'test_cache'
      },
    },
    test_cache: {
      does: 'More references than the entry’s and the swap cache’s, or a folio lock that is taken: copy.',
      fn: 'wp_can_reuse_anon_folio',
      run(k, t) {
        const cache = hasFlag(k, t.pfn, PG.swapcache) ? 1 : 0
        const tooMany = refcountOf(k, t.pfn) > 1 + cache
        return !tooMany && folio_trylock(k, t.pfn, t.task.id) ? 'free_cache' : 'take_old'
      },
    },
    free_cache: {
      does: 'Take the page out of the swap cache if no other entry names the slot; test again; then it belongs to this process alone.',
      fn: 'folio_free_swap',
      run(k, t) {
        folio_free_swap(k, t.pfn)
        const alone = !isKsm(k, t.pfn) && refcountOf(k, t.pfn) === 1
        if (alone) folio_move_anon_rmap(k, t.pfn, t.mm)
        folio_unlock(k, t.pfn)
        if (!alone) return 'take_old'
        setExclusive(k, t.pfn)
        return 'reuse'
      },
    },
    reuse: {
      does: 'Reuse: the same page becomes writable, without a copy. After an unshare request the entry stays as it is.',
      fn: 'wp_page_reuse',
      run(k, t) {
        const pte = k.ptes.in(t.mm).at(t.vpn)
        if (t.unshare === 0) pte.flags = mkwrite(pte.flags) | PTE.accessed | dirtyEntry(k, t.vma)
        unlockPtl(k, t.mm, t.vpn)
        return t.done()
      },
    },
    take_old: {
      does: 'Copy: hold the old page, and drop the page table lock. From here to the new entry anything may happen to it.',
      fn: 'wp_page_copy',
      run(k, t) {
        if (!isUncounted(t.flags)) {
          refAdd(k, t.pfn, 1)
          hold(k, t.pfn, 'tmp')
        }
        unlockPtl(k, t.mm, t.vpn)
        return 'copy'
      },
    },
    copy: {
      does: 'Allocate a page, and copy the bytes as they are now. DMA into the old one after this is not seen.',
      fn: '__wp_page_copy_user',
      run(k, t) {
        const fresh = alloc_page(k)
        if (fresh === undefined) {
          dropOld(k, t)
          return t.done(VM_FAULT_OOM)
        }
        t.fresh = fresh
        if (!isUncounted(t.flags)) copyPage(k, t.pfn, fresh)
        setFlag(k, fresh, PG.uptodate)
        return 'clear_pte'
      },
    },
    clear_pte: {
      does: 'Take the page table lock again. Changed: drop the copy. The same: clear the entry first, so that no two CPUs see different pages.',
      fn: 'ptep_clear_flush',
      when: untilPtl,
      run(k, t) {
        if (!isUnchanged(k, t)) {
          handOver(k, t.fresh, 'alloc')
          folio_put(k, t.fresh)
          dropOld(k, t)
          return t.done()
        }
        lockPtl(k, t.mm, t.vpn, t.task.id)
        k.ptes.in(t.mm).clear(t.vpn, t.vpn + 1)
        k.mms.at(t.mm).tlb_flush_pending += 1
        return 'flush'
      },
    },
    flush: {
      does: 'Flush the TLBs of the process.',
      fn: 'flush_tlb_page',
      when: untilFlushed,
      run(k, t) {
        flush_tlb_range(k, t.mm, t.vpn, t.vpn + 1)
        k.mms.at(t.mm).tlb_flush_pending -= 1
        return 'add_rmap'
      },
    },
    add_rmap: {
      does: 'The copy becomes anonymous memory of this process, and waits in this CPU’s LRU batch.',
      fn: 'folio_add_new_anon_rmap',
      run(k, t) {
        folio_add_new_anon_rmap(k, t.fresh, t)
        handOver(k, t.fresh, 'alloc')
        folio_add_lru(k, t.task.id, t.fresh)
        return 'set_pte'
      },
    },
    set_pte: {
      does: 'Write the entry of the copy: writable and dirty; read-only and clean after an unshare request.',
      fn: 'set_pte_at',
      run(k, t) {
        const kept = t.flags & PTE.soft_dirty
        const flags = FRESH | (t.unshare === 1 ? kept : dirtyEntry(k, t.vma))
        k.ptes.in(t.mm).fill(t.vpn, t.vpn + 1, { pfn: t.fresh, flags })
        if (!isUncounted(t.flags)) return 'remove_rmap'
        unlockPtl(k, t.mm, t.vpn)
        return t.done()
      },
    },
    remove_rmap: {
      does: 'The old page is mapped once less; drop the page table lock. The entry’s reference is still to be put.',
      fn: 'folio_remove_rmap_pte',
      run(k, t) {
        folio_remove_rmap_pte(k, t.pfn)
        hold(k, t.pfn, 'zap')
        unlockPtl(k, t.mm, t.vpn)
        return 'put_old'
      },
    },
    put_old: {
      does: 'Put the reference of the old entry.',
      fn: 'folio_put',
      run(k, t) {
        handOver(k, t.pfn, 'zap')
        folio_put(k, t.pfn)
        return 'put_tmp'
      },
    },
    put_tmp: {
      does: 'Put the reference of the fault; if nobody needs the swap cache of the old page, that goes too.',
      fn: 'folio_put',
      run(k, t) {
        const isUnmapped = pageMapcount(k, t.pfn) === 0 && !isLarge(k, t.pfn)
        if (isUnmapped && freesIdleCache(k) && !isFolioLocked(k, t.pfn)) folio_free_swap(k, t.pfn)
        dropOld(k, t)
        return t.done()
      },
    },
  },
})

/** free_swap_cache() after a copy: not in the kernels of rules (i) and (ii), says the pins sheet (W13). */
const freesIdleCache = (k: Kernel): boolean =>
  tracksExclusive(k) || k.policy.cowReuse === 'streamlined'

/** The fault lets go of the old page, where there is one that counts. */
function dropOld(k: Kernel, { pfn, flags }: Fault): void {
  if (isUncounted(flags)) return
  hold(k, pfn, 'tmp', -1)
  folio_put(k, pfn)
}
