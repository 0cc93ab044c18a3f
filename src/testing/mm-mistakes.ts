import { PTE } from '../linux/arch/x86/pgtable'
import { clear_refs_write } from '../linux/fs/proc/task_mmu'
import { FOLL } from '../linux/include/gup'
import { PG } from '../linux/include/page-flags'
import type { Kernel } from '../linux/kernel'
import { copyPage } from '../linux/mm/contents'
import { refAdd } from '../linux/mm/folio'
import { pin_user_pages_fast, unpin_user_pages } from '../linux/mm/gup'
import { gup_put_folio } from '../linux/mm/gup-count'
import { __gup_longterm_locked } from '../linux/mm/gup-slow'
import { handOver, hold } from '../linux/mm/holders'
import { cmp_and_merge_page } from '../linux/mm/ksm'
import { folio_unlock } from '../linux/mm/locks'
import { wp_page_copy } from '../linux/mm/memory-copy'
import { memory_failure } from '../linux/mm/memory-failure'
import { nextPlace } from '../linux/mm/memory-failure-unmap'
import { copy_page_range } from '../linux/mm/memory-fork'
import { do_wp_page } from '../linux/mm/memory-wp'
import { unmap_page_range } from '../linux/mm/memory-zap'
import { migrate_folio, moveMapping } from '../linux/mm/migrate'
import { mprotect_fixup } from '../linux/mm/mprotect'
import { addRmap, folio_remove_rmap_pte } from '../linux/mm/rmap-anon'
import { folio_put } from '../linux/mm/swap'
import { shrink_folio_list } from '../linux/mm/vmscan'
import type { Mistake, Mutant } from './mutate'

/** Fork that shares the page whether it may be pinned or not, and may forget to clear E. */
const shares =
  (clearsExclusive: boolean): Mutant =>
  (k, t) => {
    addRmap(k, t.pfn)
    handOver(k, t.pfn, 'tmp')
    if (clearsExclusive) k.pages.at(t.pfn).flags &= ~PG.anon_exclusive
    return 'wrprotect'
  }

/** The one page of a handle, which is gone; the page keeps what it counts. */
function forgetHandle(k: Kernel, handle: number): number {
  const { pfn } = k.pinned.in(handle).at(0)
  k.pinned.in(handle).clear(0, 1)
  k.pinHandles.free(handle)
  return pfn
}

/** The end of a change of protection, without the flush. */
function unlockUnflushed(k: Kernel, id: number): void {
  const mm = k.mms.at(id)
  mm.tlb_flush_pending -= 1
  mm.mmap_lock = 0
}

/** Mistakes of fork. */
export const forkMistakes = {
  sharesPinned: {
    mistake: 'fork shares a pinned page (W5)',
    operation: copy_page_range,
    step: 'try_dup',
    mutant: shares(true),
  },
  keepsExclusive: {
    mistake: 'fork does not clear E (W3 row 2)',
    operation: copy_page_range,
    step: 'try_dup',
    mutant: shares(false),
  },
  leavesWritable: {
    mistake: 'fork does not write-protect the entry of the parent (W3 row 3)',
    operation: copy_page_range,
    step: 'wrprotect',
    mutant: () => 'set_child',
  },
  readsTooEarly: {
    mistake: 'fork reads the child’s entry before it write-protects the parent’s',
    operation: copy_page_range,
    step: 'set_child',
    mutant(k, t, original) {
      const next = original(k, t)
      k.ptes.in(t.child).at(t.vpn - 1).flags |= PTE.rw
      return next
    },
  },
  countsTooLate: {
    mistake: 'fork makes write_protect_seq odd behind the copy of its entries, and even at once',
    operation: copy_page_range,
    step: 'begin',
    mutant(k, t, original) {
      const next = original(k, t)
      k.mms.at(t.mm).write_protect_seq += 1
      return next
    },
  },
} satisfies Readonly<Record<string, Mistake>>

/** Mistakes of GUP and of the end of a pin. */
export const gupMistakes = {
  looksOnce: {
    mistake: 'the fast path does not look again, nor ask whether to unshare (W20 without B5)',
    operation: pin_user_pages_fast,
    step: 'recheck',
    mutant: () => 'record',
  },
  ignoresFork: {
    mistake: 'the fast path does not look at write_protect_seq again (W7)',
    operation: pin_user_pages_fast,
    step: 'irqs_on',
    mutant: (k, t, original) =>
      original({ ...k, policy: { ...k.policy, writeProtectSeq: 'off' } }, t),
  },
  staysMovable: {
    mistake: 'a long-term pin does not leave ZONE_MOVABLE first: it ends after row 2 of W18',
    operation: __gup_longterm_locked,
    step: 'collect',
    mutant: (_k, t) => t.done(t.ret),
  },
  keepsCount: {
    mistake: 'the last unpin forgets to put the page',
    operation: unpin_user_pages,
    step: 'unpin',
    mutant(k, t) {
      forgetHandle(k, t.handle)
      return t.done()
    },
  },
  unpinsGet: {
    mistake: 'a FOLL_GET page is unpinned as if it were pinned: 2 − 1024 is −1022',
    operation: unpin_user_pages,
    step: 'unpin',
    mutant(k, t) {
      gup_put_folio(k, forgetHandle(k, t.handle), 1, FOLL.pin)
      return t.done()
    },
  },
} satisfies Readonly<Record<string, Mistake>>

/** Mistakes of write faults and of unmapping. */
export const faultMistakes = {
  reusesAnyway: {
    mistake: 'a page that a pipe still holds is reused (W4)',
    operation: do_wp_page,
    step: 'test_refs',
    mutant: () => 'reuse',
  },
  losesPut: {
    mistake: 'a copy forgets to put the reference of the old entry',
    operation: wp_page_copy,
    step: 'put_old',
    mutant(k, t) {
      handOver(k, t.pfn, 'zap')
      return 'put_tmp'
    },
  },
  copiesUnflushed: {
    mistake: 'a copy does not flush the TLBs (W3 row 8)',
    operation: wp_page_copy,
    step: 'flush',
    mutant(k, t) {
      k.mms.at(t.mm).tlb_flush_pending -= 1
      return 'add_rmap'
    },
  },
  putsBeforeRmap: {
    mistake: 'munmap drops the reference before the rmap (W1 rows 8 to 10)',
    operation: unmap_page_range,
    step: 'clear_pte',
    mutant(k, t, original) {
      const next = original(k, t)
      if (next === 'remove_rmap') refAdd(k, t.pfn, -1)
      return next
    },
  },
  freesBeforeFlush: {
    mistake: 'munmap frees the page before the TLB flush (W1 rows 9 and 10)',
    operation: unmap_page_range,
    step: 'clear_pte',
    mutant(k, t, original) {
      const next = original(k, t)
      return next === 'flush' ? 'put' : next
    },
  },
} satisfies Readonly<Record<string, Mistake>>

/** Mistakes of whoever write-protects or takes pages of others: reclaim, ksmd, migration, tracers. */
export const othersMistakes = {
  clearsUnflushed: {
    mistake: 'clear_refs returns without the TLB flush (§2.7)',
    operation: clear_refs_write,
    step: 'flush',
    mutant(k, t) {
      unlockUnflushed(k, t.mm)
      return 'mmput'
    },
  },
  protectsUnflushed: {
    mistake: 'mprotect returns without the TLB flush (§2.7)',
    operation: mprotect_fixup,
    step: 'flush',
    mutant(k, t) {
      unlockUnflushed(k, t.mm)
      return t.done()
    },
  },
  swapsPinned: {
    mistake: 'reclaim does not ask for a pin once the entry is cleared (W14 row 5)',
    operation: shrink_folio_list,
    step: 'share',
    mutant(k, t) {
      const { private: offset } = k.pages.at(t.pfn)
      k.pages.at(t.pfn).flags &= ~PG.anon_exclusive
      const flags = PTE.swp_exclusive
      k.ptes.in(t.mm).fill(t.vpn, t.vpn + 1, { pfn: offset, flags, kind: 'swap' })
      return 'remove_rmap'
    },
  },
  isolatesListed: {
    mistake: 'reclaim isolates a page and leaves PG_lru set',
    operation: shrink_folio_list,
    step: 'isolate',
    mutant(k, t) {
      refAdd(k, t.pfn, 1)
      hold(k, t.pfn, 'iso')
      return 'lock'
    },
  },
  freezesUnlocked: {
    mistake: 'reclaim freezes the count without the folio lock',
    operation: shrink_folio_list,
    step: 'freeze',
    mutant(k, t, original) {
      folio_unlock(k, t.pfn)
      return original(k, t)
    },
  },
  mergesPinned: {
    mistake: 'ksmd merges a page that is pinned for writing, without the test of its count',
    operation: cmp_and_merge_page,
    step: 'test_count',
    mutant: () => 'clear_exclusive',
  },
  mergesWritable: {
    mistake: 'ksmd compares before it has write-protected the page',
    operation: cmp_and_merge_page,
    step: 'clear_pte',
    mutant: () => 'compare',
  },
  movesHeld: {
    mistake: 'migration does not ask whether anybody else holds the page',
    operation: migrate_folio,
    step: 'move',
    mutant(k, t) {
      moveMapping(k, t.pfn, t.target)
      copyPage(k, t.pfn, t.target)
      return 'add_lru'
    },
  },
  poisonsUnflushed: {
    mistake: 'memory_failure() replaces the entry, and does not flush the TLBs',
    operation: memory_failure,
    step: 'unmap',
    mutant(k, { pfn }) {
      const place = nextPlace(k, pfn)
      if (place === undefined) return 'kill'
      k.ptes.in(place.mm).fill(place.vpn, place.vpn + 1, { pfn, kind: 'hwpoison' })
      folio_remove_rmap_pte(k, pfn)
      folio_put(k, pfn)
      return 'unmap'
    },
  },
} satisfies Readonly<Record<string, Mistake>>
