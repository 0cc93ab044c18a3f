import { describe, expect, it } from 'vitest'
import { bootMemory, type MemoryKernel, P } from '../../testing/memory-kernel'
import { acts, loads, type Mutation, withMutation } from '../../testing/mutate'
import { eachHasAMistake } from '../../testing/mutation-tests'
import { dmaWrite } from '../drivers/dma/engine'
import { clear_refs_write } from '../fs/proc/task_mmu'
import { FOLL } from '../include/gup'
import { refAdd } from '../mm/folio'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from '../mm/gup'
import { gup_put_folio } from '../mm/gup-count'
import { __gup_longterm_locked } from '../mm/gup-slow'
import { handOver, hold } from '../mm/holders'
import { cmp_and_merge_page } from '../mm/ksm'
import { folio_unlock, lockPtl, unlockPtl } from '../mm/locks'
import { wp_page_copy } from '../mm/memory-copy'
import { copy_page_range } from '../mm/memory-fork'
import { unmap_page_range } from '../mm/memory-zap'
import { mapAnonymous } from '../mm/mmap'
import { userStore } from '../mm/user-access'
import { shrink_folio_list } from '../mm/vmscan'
import { conservation } from './conservation'
import { memoryInvariants } from './families/memory'
import { freeMeansUnreferenced } from './free-means-unreferenced'
import { frozenIsLocked } from './frozen-is-locked'
import { gupFastSeesFork } from './gup-fast-sees-fork'
import { ksmBytesStay } from './ksm-bytes-stay'
import { longtermPlacement } from './longterm-placement'
import { lruDiscipline } from './lru-discipline'
import { mapcountCountsEntries } from './mapcount-counts-entries'
import { noDeadlock } from './no-deadlock'
import { refsCoverMaps } from './refs-cover-maps'
import { softDirtyComplete } from './soft-dirty-complete'
import { tlbSafety } from './tlb-safety'

/** W3: fork, and both write; a second thread of the parent has read before. */
function forkAndWrite(k: MemoryKernel): void {
  acts.fork(k).finishes()
  loads(k, 'thread 2')
  for (const who of ['parent', 'child']) acts.store(k, who, 0x52).finishes()
}

/** The counting of pages: who holds them, who maps them, who may still reach them. */
const counters: readonly Mutation[] = [
  {
    breaks: conservation,
    mistake: 'a copy forgets to put the reference of the old entry',
    operation: wp_page_copy,
    step: 'put_old',
    mutant(k, t) {
      handOver(k, t.pfn, 'zap')
      return 'put_tmp'
    },
    schedule: forkAndWrite,
    says: '_refcount of page 0x12345 is 3, but its holders add up to 2',
  },
  {
    breaks: conservation,
    mistake: 'a FOLL_GET page is unpinned as if it were pinned: 2 − 1024 is −1022',
    operation: unpin_user_pages,
    step: 'unpin',
    mutant(k, t) {
      const { pfn } = k.pinned.in(t.handle).at(0)
      k.pinned.in(t.handle).clear(0, 1)
      k.pinHandles.free(t.handle)
      gup_put_folio(k, pfn, 1, FOLL.pin)
      return t.done()
    },
    schedule(k) {
      acts.gup(k, { by: get_user_pages_fast }).finishes()
      k.task('parent').begins(unpin_user_pages, { handle: 1 }).finishes()
    },
    says: '_refcount of page 0x12345 is -1022, but its holders add up to 1',
  },
  {
    breaks: refsCoverMaps,
    mistake: 'munmap drops the reference before the rmap (W1 rows 8 to 10)',
    operation: unmap_page_range,
    step: 'clear_pte',
    mutant(k, t, original) {
      const next = original(k, t)
      if (next === 'remove_rmap') refAdd(k, t.pfn, -1)
      return next
    },
    schedule: (k) => acts.munmap(k, 'parent').finishes(),
    says: 'page 0x12345 is mapped 1 times, and has 0 references',
  },
  {
    breaks: mapcountCountsEntries,
    mistake: 'a copy forgets that the old page is mapped once less',
    operation: wp_page_copy,
    step: 'remove_rmap',
    mutant(k, t) {
      hold(k, t.pfn, 'zap')
      unlockPtl(k, t.mm, t.vpn)
      return 'put_old'
    },
    schedule: forkAndWrite,
    says: 'page 0x12345: page_mapcount 2, but 1 entries map it',
  },
  {
    breaks: freeMeansUnreferenced,
    mistake: 'munmap frees the page before the TLB flush (W1 rows 9 and 10)',
    operation: unmap_page_range,
    step: 'clear_pte',
    mutant(k, t, original) {
      const next = original(k, t)
      return next === 'flush' ? 'put' : next
    },
    schedule: (k) => acts.munmap(k, 'thread 2').finishes(),
    says: 'page 0x12345 is free, and the TLB of parent still names it',
  },
]

/** What must come before what: flushes, second looks, locks, tests. */
const orders: readonly Mutation[] = [
  {
    breaks: tlbSafety,
    mistake: 'a copy does not flush the TLBs (W3 row 8)',
    operation: wp_page_copy,
    step: 'flush',
    mutant(k, t) {
      k.mms.at(t.mm).tlb_flush_pending -= 1
      return 'add_rmap'
    },
    schedule: forkAndWrite,
    says: 'thread 2 still reaches page 0x12345 through its TLB, and no flush is to come',
  },
  {
    breaks: gupFastSeesFork,
    mistake: 'the fast path does not look at write_protect_seq again (W7)',
    operation: pin_user_pages_fast,
    step: 'irqs_on',
    mutant: (k, t, original) =>
      original({ ...k, policy: { ...k.policy, writeProtectSeq: 'off' } }, t),
    schedule(k) {
      const cpu = acts.gup(k, { who: 'thread 2' }).runTo('read_pte')
      const parent = acts.fork(k).runTo('wrprotect')
      cpu.runTo('irqs_on').step()
      parent.finishes()
      cpu.finishes()
    },
    says: 'the pin of thread 2 was taken while fork write-protected entries',
  },
  {
    breaks: lruDiscipline,
    mistake: 'reclaim isolates a page and leaves PG_lru set',
    operation: shrink_folio_list,
    step: 'isolate',
    mutant(k, t) {
      refAdd(k, t.pfn, 1)
      hold(k, t.pfn, 'iso')
      return 'lock'
    },
    schedule: (k) => acts.reclaim(k).finishes(),
    says: 'page 0x12345 is on the LRU list, and in a batch or isolated too',
  },
  {
    breaks: longtermPlacement,
    mistake: 'a long-term pin ends after row 2 of W18: nothing is migrated',
    operation: __gup_longterm_locked,
    step: 'collect',
    mutant: (_k, t) => t.done(t.ret),
    boot: () =>
      bootMemory({
        machine: { movable: { start: P, pages: 8 }, normal: { start: 0x40000, pages: 16 } },
      }),
    schedule: (k) => acts.gup(k, { longterm: 1 }).finishes(),
    says: 'page 0x12345 is pinned for long in ZONE_MOVABLE',
  },
  {
    breaks: softDirtyComplete,
    mistake: 'clear_refs returns without the TLB flush (§2.7)',
    operation: clear_refs_write,
    step: 'flush',
    mutant(k, t) {
      k.mms.at(t.mm).tlb_flush_pending -= 1
      k.mms.at(t.mm).mmap_lock = 0
      return 'mmput'
    },
    schedule(k) {
      acts.clearRefs(k).finishes()
      acts.store(k, 'parent', 0x51).finishes()
    },
    says: 'parent wrote to the page, and the entry is not soft-dirty',
  },
  {
    breaks: frozenIsLocked,
    mistake: 'reclaim freezes the count without the folio lock',
    operation: shrink_folio_list,
    step: 'freeze',
    mutant(k, t, original) {
      folio_unlock(k, t.pfn)
      return original(k, t)
    },
    schedule: (k) => acts.reclaim(k).finishes(),
    says: 'page 0x12345 is in the swap cache with _refcount 0, and nobody froze it',
  },
  {
    breaks: ksmBytesStay,
    mistake: 'ksmd merges a page that is pinned for writing, without the test of its count',
    operation: cmp_and_merge_page,
    step: 'test_count',
    mutant: () => 'clear_exclusive',
    boot() {
      const k = bootMemory({
        machine: {
          processes: [
            { comm: 'parent', pid: 100 },
            { comm: 'other', pid: 200 },
          ],
        },
      })
      k.task('other').begins(mapAnonymous, { pages: 2, huge: 0, label: 'B' }).finishes()
      k.task('other').begins(userStore, { vpn: k.vpn, value: 0x50 }).finishes()
      for (const who of ['parent', 'other']) acts.mergeable(k, who).finishes()
      return k.drain()
    },
    schedule(k) {
      acts.gup(k).finishes()
      acts.scan(k, 'parent').finishes()
      k.task('mlx5_0').begins(dmaWrite, { handle: 1, page: 0, value: 0xd1 }).finishes()
    },
    says: 'KSM page 0x12345 was 0x50, and is 0xd1 now',
  },
  {
    breaks: noDeadlock,
    mistake: 'fork keeps the lock of the page table',
    operation: copy_page_range,
    step: 'set_child',
    mutant(k, t, original) {
      const next = original(k, t)
      lockPtl(k, t.mm, t.vpn, t.task.id)
      return next
    },
    schedule: (k) => acts.fork(k).runs(),
    says: 'deadlock: parent → parent',
  },
]

/** The first six of the list are in mutations.test.ts. */
const OURS = memoryInvariants.slice(6)
const mutations = [...counters, ...orders]

describe('every property of counters and orders', () => {
  eachHasAMistake(OURS, mutations, () => bootMemory())
})

describe('a flush that is left out', () => {
  const read = (forgets: boolean): number => {
    const k = bootMemory()
    const { mutant } = orders.find(({ breaks }) => breaks === tlbSafety) as Mutation
    if (forgets) withMutation(wp_page_copy, 'flush', mutant, () => forkAndWrite(k))
    else forkAndWrite(k)
    acts.store(k, 'child', 0x66).finishes()
    return loads(k, 'thread 2')
  }

  it('lets a thread of the parent read what the child writes (W3 row 14)', () => {
    expect([read(false), read(true)]).toEqual([0x52, 0x66])
  })
})
