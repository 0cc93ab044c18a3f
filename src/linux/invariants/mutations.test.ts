import { describe, expect, it } from 'vitest'
import { acts, pinDuringFork } from '../../testing/memory-acts'
import { bootMemory, type MemoryKernel, Q } from '../../testing/memory-kernel'
import { faultMistakes, forkMistakes, gupMistakes } from '../../testing/mm-mistakes'
import { type Mutation, withMutation } from '../../testing/mutate'
import { eachHasAMistake } from '../../testing/mutation-tests'
import { PTE } from '../arch/x86/pgtable'
import { bio_endio, directRead } from '../fs/direct-io'
import { vmsplice_to_pipe } from '../fs/splice'
import { unpin_user_pages } from '../mm/gup'
import { copy_page_range } from '../mm/memory-fork'
import { do_wp_page } from '../mm/memory-wp'
import { cowIsolation } from './cow-isolation'
import { exclusiveDiscipline } from './exclusive-discipline'
import { memoryInvariants } from './families/memory'
import { gupCoherency } from './gup-coherency'
import { noLostDma } from './no-lost-dma'
import { pinnedMeansExclusive } from './pinned-means-exclusive'
import { writableMeansSoleOwner } from './writable-means-sole-owner'

/** W20 before row 0: the child's page is Q, exclusive and read-only, and the twin of P. */
function bootUnshared(): MemoryKernel {
  const k = bootMemory({ policies: { tlbFlush: 'broadcast' } })
  acts.mergeable(k, 'parent').finishes()
  acts.fork(k).finishes()
  acts.gup(k, { who: 'child', write: 0 }).finishes()
  k.task('child').begins(unpin_user_pages, { handle: 1 }).finishes()
  expect(k.page(Q)).toContain('E')
  return k.drain()
}

/** In the order of memoryInvariants: what is promised about sharing, and about ownership. */
const mutations: readonly Mutation[] = [
  {
    breaks: gupCoherency,
    ...forkMistakes.sharesPinned,
    schedule(k) {
      acts.gup(k).finishes()
      acts.fork(k).finishes()
      acts.store(k, 'parent', 0x51).finishes()
    },
    says: 'the process is on page 0x12346, the device on page 0x12345, taken by parent',
  },
  {
    breaks: cowIsolation,
    ...faultMistakes.reusesAnyway,
    schedule(k) {
      acts.fork(k).finishes()
      const child = k.task('child')
      child.begins(vmsplice_to_pipe, { vpn: k.vpn, pages: 1, pipe: 1 }).finishes()
      acts.munmap(k, 'child').finishes()
      acts.store(k, 'parent', 0x51).finishes()
    },
    says: 'child sees in page 0x12345 through pipe p what parent stored',
  },
  {
    breaks: noLostDma,
    mistake: 'a write fault copies although the page is exclusive (W9)',
    operation: do_wp_page,
    step: 'lock',
    mutant(k, t, original) {
      const next = original(k, t)
      return next === 'reuse' ? 'must_copy' : next
    },
    boot: () => bootMemory({ policies: { directIo: 'get' } }),
    schedule(k) {
      k.task('parent').begins(directRead, { vpn: k.vpn, value: 0xd1 }).runs()
      acts.clearRefs(k).finishes()
      acts.store(k, 'thread 2', 0x77, 512).finishes()
      k.task('nvme0').begins(bio_endio, { handle: 1, value: 0xd1 }).finishes()
    },
    says: 'nvme0 wrote 0xd1 into page 0x12345, and the process reads 0x50',
  },
  {
    breaks: writableMeansSoleOwner,
    ...forkMistakes.leavesWritable,
    schedule: (k) => acts.fork(k).finishes(),
    says: 'the entry is writable, but page 0x12345 has 2 entries',
  },
  {
    breaks: exclusiveDiscipline,
    ...forkMistakes.keepsExclusive,
    schedule: (k) => acts.fork(k).finishes(),
    says: 'page 0x12345 is exclusive, and yet shared',
  },
  {
    breaks: exclusiveDiscipline,
    mistake: 'fork leaves the exclusive bit of a swap entry set',
    operation: copy_page_range,
    step: 'copy_pte',
    mutant(k, t, original) {
      const next = original(k, t)
      if (next === 'copy_pte') k.ptes.in(t.mm).at(t.vpn - 1).flags |= PTE.swp_exclusive
      return next
    },
    schedule(k) {
      acts.reclaim(k).finishes()
      acts.fork(k).finishes()
    },
    says: 'swap entry 1 is exclusive, and 2 entries name it',
  },
  {
    breaks: pinnedMeansExclusive,
    ...gupMistakes.looksOnce,
    boot: bootUnshared,
    schedule(k) {
      const ksmd = acts.scan(k, 'child').runTo('clear_pte')
      const child = acts.gup(k, { who: 'child', write: 0 }).runTo('try_grab')
      ksmd.runTo('compare')
      child.finishes()
      ksmd.finishes()
    },
    says: 'page 0x12346, pinned by child, is not exclusive',
  },
  {
    breaks: pinnedMeansExclusive,
    ...gupMistakes.ignoresFork,
    schedule: pinDuringFork,
    says: 'page 0x12345, pinned by thread 2, is not exclusive',
  },
]

/** The rest of the list is in mutations-of-counters.test.ts. */
const OURS = memoryInvariants.slice(0, 6)

describe('every property of sharing and ownership', () => {
  eachHasAMistake(OURS, mutations, () => bootMemory())
})

describe('a mutation', () => {
  it('is undone, even where its schedule throws', () => {
    const step = copy_page_range.steps.find(({ name }) => name === 'wrprotect')
    const original = step?.run
    const fails = () => {
      expect(step?.run).not.toBe(original)
      throw new Error('stop')
    }
    expect(() => withMutation(copy_page_range, 'wrprotect', () => 'end', fails)).toThrow('stop')
    expect(step?.run).toBe(original)
    expect(
      withMutation(
        copy_page_range,
        'wrprotect',
        () => 'end',
        () => 7,
      ),
    ).toBe(7)
  })

  it('of a step that is not there is a mistake in the test', () => {
    const forget = () =>
      withMutation(
        copy_page_range,
        'wrprotekt',
        () => 'end',
        () => undefined,
      )
    expect(forget).toThrow('copy_page_range has no step wrprotekt')
    const schedule = () => acts.fork(bootMemory()).finishes()
    const stray = () => withMutation(copy_page_range, 'wrprotect', () => 'set_kid', schedule)
    expect(stray).toThrow('copy_page_range has no step set_kid to go on at')
  })
})
