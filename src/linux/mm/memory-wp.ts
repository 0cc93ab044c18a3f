import { int, ref, wide } from '../../arena'
import { mkwrite, PTE } from '../arch/x86/pgtable'
import { VM } from '../include/mm_types'
import { PAGE_MAPPING, PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import {
  hasFlag,
  isAnon,
  isExclusive,
  isKsm,
  isLarge,
  isUncounted,
  pageMapcount,
  refcountOf,
  setFlag,
} from './folio'
import { getAs, hold } from './holders'
import { labelsOf } from './labels'
import {
  folio_trylock,
  folio_unlock,
  lockPtl,
  unlockPtl,
  untilFolioUnlocked,
  untilPtl,
} from './locks'
import { dirtyEntry } from './memory-anon'
import { type Fault, isUnchanged, wp_page_copy } from './memory-copy'
import { folio_move_anon_rmap, setExclusive } from './rmap-anon'
import { folio_put, lru_add_drain } from './swap'
import { delete_from_swap_cache, folio_free_swap, swapCountOf } from './swapfile'

/** Where the rule of this kernel begins to judge the page (pins sheet §4.6). */
function firstTest(k: Kernel, t: Fault) {
  if (isUncounted(t.flags)) return 'must_copy'
  if ((k.vmas.at(t.vma).vm_flags & VM.shared) !== 0) return 'share_write'
  if (!isAnon(k, t.pfn)) return 'must_copy'
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
      return isLarge(k, t.pfn) ? 'must_copy' : 'test_refs'
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
        setFlag(k, t.pfn, PG.dirty)
        unlockPtl(k, t.mm, t.vpn)
        return t.done()
      },
    },
    lock_page: {
      does: 'Rule (i): take the folio lock; if somebody has it, sleep for it without the page table lock.',
      fn: 'trylock_page',
      run(k, t) {
        if (folio_trylock(k, t.pfn, t.task.id)) return 'count_entries'
        getAs(k, t.pfn, 'tmp')
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
          return 'must_copy'
        }
        const entries = pageMapcount(k, t.pfn) + swapCountOf(k, t.pfn)
        const isStill = cached && hasFlag(k, t.pfn, PG.writeback)
        if (entries === 1 && cached && !isStill) {
          delete_from_swap_cache(k, t.pfn)
          setFlag(k, t.pfn, PG.dirty)
        }
        if (entries === 1) folio_move_anon_rmap(k, t.pfn, t.mm)
        folio_unlock(k, t.pfn)
        return entries <= 1 ? 'reuse' : 'must_copy'
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
        return alone && folio_trylock(k, t.pfn, t.task.id) ? 'recount_refs' : 'must_copy'
      },
    },
    recount_refs: {
      does: 'Test again under the folio lock: KSM, _mapcount and _refcount.',
      fn: 'do_wp_page',
      run(k, t) {
        const alone = !isKsm(k, t.pfn) && pageMapcount(k, t.pfn) === 1 && refcountOf(k, t.pfn) === 1
        folio_unlock(k, t.pfn)
        return alone ? 'reuse' : 'must_copy'
      },
    },
    count_labels: {
      does: 'Rule (iv): one page table entry and no process-incoherent user. DMA and lookups are not asked about.',
      fn: 'do_wp_page',
      run(k, t) {
        const { ptes, other } = labelsOf(k, t.pfn)
        return !isKsm(k, t.pfn) && ptes === 1 && other === 0 ? 'reuse' : 'must_copy'
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
        if (!mayReuse) return 'must_copy'
        setExclusive(k, t.pfn)
        return 'reuse'
      },
    },
    test_refs: {
      does: 'Without the exclusive bit: a KSM page or more than 3 references, and the page is copied. Is it perhaps in this CPU’s LRU batch?',
      fn: 'wp_can_reuse_anon_folio',
      run(k, t) {
        if (isKsm(k, t.pfn) || refcountOf(k, t.pfn) > MOST_REFS) return 'must_copy'
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
        return !tooMany && folio_trylock(k, t.pfn, t.task.id) ? 'free_cache' : 'must_copy'
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
        if (!alone) return 'must_copy'
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
    must_copy: {
      does: 'The page may not be reused: the process gets a copy.',
      fn: 'do_wp_page',
      run(_k, t) {
        const { vma, mm, vpn, pfn, flags, unshare } = t
        return t.call(wp_page_copy, { vma, mm, vpn, pfn, flags, unshare }, 'copied')
      },
    },
    copied: {
      does: 'Return what came of it.',
      run: (_k, t) => t.done(t.ret),
    },
  },
})
