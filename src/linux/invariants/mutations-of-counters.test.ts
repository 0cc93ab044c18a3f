import { describe, expect, it } from 'vitest'
import { acts, bootTwins, loads, pinDuringFork } from '../../testing/memory-acts'
import { bootMemory, type MemoryKernel, MOVABLE } from '../../testing/memory-kernel'
import { faultMistakes, gupMistakes, othersMistakes } from '../../testing/mm-mistakes'
import { type Mutation, withMistake } from '../../testing/mutate'
import { eachHasAMistake } from '../../testing/mutation-tests'
import { dmaWrite } from '../drivers/dma/engine'
import { get_user_pages_fast, unpin_user_pages } from '../mm/gup'
import { hold } from '../mm/holders'
import { lockPtl, unlockPtl } from '../mm/locks'
import { wp_page_copy } from '../mm/memory-copy'
import { copy_page_range } from '../mm/memory-fork'
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
    ...faultMistakes.losesPut,
    schedule: forkAndWrite,
    says: '_refcount of page 0x12345 is 3, but its holders add up to 2',
  },
  {
    breaks: conservation,
    ...gupMistakes.unpinsGet,
    schedule(k) {
      acts.gup(k, { by: get_user_pages_fast }).finishes()
      k.task('parent').begins(unpin_user_pages, { handle: 1 }).finishes()
    },
    says: '_refcount of page 0x12345 is -1022, but its holders add up to 1',
  },
  {
    breaks: refsCoverMaps,
    ...faultMistakes.putsBeforeRmap,
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
    says: 'page_mapcount of page 0x12345 is 2, but 1 entry maps it',
  },
  {
    breaks: freeMeansUnreferenced,
    ...faultMistakes.freesBeforeFlush,
    schedule: (k) => acts.munmap(k, 'thread 2').finishes(),
    says: 'page 0x12345 is free, and the TLB of parent still names it',
  },
]

/** What must come before what: flushes, second looks, locks, tests. */
const orders: readonly Mutation[] = [
  {
    breaks: tlbSafety,
    ...faultMistakes.copiesUnflushed,
    schedule: forkAndWrite,
    says: 'thread 2 still reaches page 0x12345 through its TLB, and no flush is to come',
  },
  {
    breaks: gupFastSeesFork,
    ...gupMistakes.ignoresFork,
    schedule: pinDuringFork,
    says: 'the pin of thread 2 was taken while fork write-protected entries',
  },
  {
    breaks: lruDiscipline,
    ...othersMistakes.isolatesListed,
    schedule: (k) => acts.reclaim(k).finishes(),
    says: 'page 0x12345 is on the LRU list, and in a batch or isolated too',
  },
  {
    breaks: longtermPlacement,
    ...gupMistakes.staysMovable,
    boot: () => bootMemory({ machine: MOVABLE }),
    schedule: (k) => acts.gup(k, { longterm: 1 }).finishes(),
    says: 'page 0x12345 is pinned for long in ZONE_MOVABLE',
  },
  {
    breaks: softDirtyComplete,
    ...othersMistakes.clearsUnflushed,
    schedule(k) {
      acts.clearRefs(k).finishes()
      acts.store(k, 'parent', 0x51).finishes()
    },
    says: 'parent wrote to the page, and the entry is not soft-dirty',
  },
  {
    breaks: frozenIsLocked,
    ...othersMistakes.freezesUnlocked,
    schedule: (k) => acts.reclaim(k).finishes(),
    says: 'page 0x12345 is in the swap cache with _refcount 0, and nobody froze it',
  },
  {
    breaks: ksmBytesStay,
    ...othersMistakes.mergesPinned,
    boot: bootTwins,
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
    says: 'parent waits for parent',
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
    if (forgets) withMistake(faultMistakes.copiesUnflushed, () => forkAndWrite(k))
    else forkAndWrite(k)
    acts.store(k, 'child', 0x66).finishes()
    return loads(k, 'thread 2')
  }

  it('lets a thread of the parent read what the child writes (W3 row 14)', () => {
    expect([read(false), read(true)]).toEqual([0x52, 0x66])
  })
})
