import { describe, expect, it } from 'vitest'
import { bootMemory, type MemoryKernel, P, Q } from '../../testing/memory-kernel'
import { bootDisk, goBad, lastLine, scrub, signalOf } from '../../testing/poison-kernel'
import type { TestKernel } from '../../testing/test-kernel'
import { PTE } from '../arch/x86/pgtable'
import { EBUSY, EHWPOISON } from '../include/errno'
import { MF } from '../include/mm'
import { PG } from '../include/page-flags'
import { memoryInvariants } from '../invariants/families/memory'
import { kernel_clone } from '../kernel/fork'
import { get_user_pages_fast, unpin_user_pages } from './gup'
import { madviseHwpoison } from './madvise-inject'
import { memory_failure } from './memory-failure'
import { do_munmap } from './mmap'
import { userLoad, userStore } from './user-access'
import { shrink_folio_list } from './vmscan'

const lawful = (k: MemoryKernel) => {
  for (const law of memoryInvariants) expect(k.broken(law), law.name).toBeUndefined()
}

describe('who is signalled now', () => {
  const fork = (k: MemoryKernel) =>
    k.task('parent').begins(kernel_clone, { name: 'child' }).finishes()

  it.each([
    ['default', 0, 'none'],
    ['default', 1, 'BUS_MCEERR_AO 12'],
    ['early', 0, 'BUS_MCEERR_AO 12'],
    ['late', 1, 'none'],
  ] as const)('a %s process with early_kill=%i: %s', (mce_kill, sysctl, expected) => {
    const k = bootMemory()
    k.task('parent').row.mce_kill = mce_kill
    for (const thread of ['thread 2', 'thread 3']) k.task(thread).row.mce_kill = 'late'
    k.kernel.globals.memory_failure_early_kill = sysctl
    scrub(k, 'kswapd0', P)
    expect(signalOf(k, 'parent')).toBe(expected)
  })

  it('a thread that asked hears of it on behalf of its process', () => {
    const k = bootMemory()
    k.task('thread 3').row.mce_kill = 'early'
    scrub(k, 'kswapd0', P)
    expect(['parent', 'thread 2', 'thread 3'].map((who) => signalOf(k, who))).toEqual([
      'none',
      'none',
      'BUS_MCEERR_AO 12',
    ])
  })

  it('the thread that consumed it, whatever it asked for, with AR; other processes only if they asked', () => {
    const k = bootMemory()
    fork(k)
    k.task('thread 2').row.mce_kill = 'late'
    expect(k.task('thread 2').begins(madviseHwpoison, { vpn: k.vpn }).finishes()).toBe(0)
    expect(['parent', 'thread 2', 'child'].map((who) => signalOf(k, who))).toEqual([
      'none',
      'BUS_MCEERR_AR 12',
      'none',
    ])
    expect(k.entry('child')).toBe('hwpoison')
  })
})

describe('memory_failure()', () => {
  const fail = (k: TestKernel, pfn: number, flags = 0) =>
    k.task('kswapd0').begins(memory_failure, { pfn, flags }).finishes()

  it('takes a free page off the free list, and never hands it out', () => {
    const k = bootMemory()
    expect(fail(k, Q)).toBe(0)
    expect(lastLine(k)).toBe('recovery action for free buddy page: Recovered')
    k.task('parent')
      .begins(userStore, { vpn: k.vpn + 1, value: 1 })
      .finishes()
    expect(k.kernel.ptes.in(1).at(k.vpn + 1).pfn).toBe(Q + 1)
    expect(k.kernel.globals.num_poisoned_pages).toBe(1)
    lawful(k)
  })

  it('ignores a page that is not on any list, such as the zero page', () => {
    const k = bootMemory()
    expect(fail(k, k.kernel.globals.zero_pfn)).toBe(-EBUSY)
    expect(lastLine(k)).toBe('recovery action for get hwpoison page: Ignored')
  })

  it('answers -EHWPOISON the second time; who consumed it again is signalled', () => {
    const k = bootMemory()
    expect(fail(k, P)).toBe(0)
    expect(fail(k, P)).toBe(-EHWPOISON)
    expect(signalOf(k, 'parent')).toBe('none')
    const again = { pfn: P, flags: MF.action_required }
    expect(k.task('parent').begins(memory_failure, again).finishes()).toBe(-EHWPOISON)
    expect(signalOf(k, 'parent')).toBe('BUS_MCEERR_AR 12')
    expect(lastLine(k)).toBe('recovery action for already poisoned page: Failed')
    expect(k.kernel.globals.num_poisoned_pages).toBe(1)
    lawful(k)
  })

  it('is one at a time', () => {
    const k = bootMemory()
    k.task('kswapd0').begins(memory_failure, { pfn: P, flags: 0 }).runTo('collect')
    const second = k.task('ksmd').begins(memory_failure, { pfn: Q, flags: 0 }).runs()
    expect(second.reason).toBe('waits for mf_mutex, which kswapd0 holds')
    k.task('kswapd0').finishes()
    expect(second.finishes()).toBe(0)
  })

  it('kills nobody for an anonymous page that is clean, unless told to', () => {
    for (const [flags, expected] of [
      [0, 'none'],
      [MF.must_kill, 'BUS_MCEERR_AO 12'],
    ] as const) {
      const k = bootMemory()
      k.task('parent').row.mce_kill = 'early'
      k.kernel.pages.at(P).flags &= ~PG.dirty
      k.kernel.ptes.in(1).at(k.vpn).flags &= ~(PTE.dirty | PTE.saved_dirty)
      expect(fail(k, P, flags)).toBe(0)
      expect(signalOf(k, 'parent')).toBe(expected)
      expect(k.entry('parent')).toBe('hwpoison')
    }
  })

  it('keeps a dirty page in the swap cache: DELAYED, and who faults it in gets AR', () => {
    const k = bootMemory()
    const args = { start: k.vpn, pages: 1, write: 0, longterm: 0, force: 0 }
    k.task('parent').begins(get_user_pages_fast, args).finishes()
    k.task('kswapd0').begins(shrink_folio_list, { pfn: P }).finishes()
    expect(k.entry('parent')).toBe('swap')
    k.task('parent').begins(userLoad, { vpn: k.vpn, value: 0 }).finishes()
    k.task('parent').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect(k.entry('parent')).toBe('P RW')
    expect(fail(k, P)).toBe(0)
    expect(lastLine(k)).toBe('recovery action for dirty swapcache page: Delayed')
    expect(k.entry('parent')).toBe('swap')
    k.task('parent').begins(userLoad, { vpn: k.vpn, value: 0 }).finishes()
    expect(signalOf(k, 'parent')).toBe('BUS_MCEERR_AR 12')
    lawful(k)
  })

  it('cannot handle a page that reclaim has isolated, unless the caller holds it', () => {
    const k = bootMemory()
    k.task('kswapd0').begins(shrink_folio_list, { pfn: P }).runTo('unmap')
    const fails = (flags: number) =>
      k.task('ksmd').begins(memory_failure, { pfn: P, flags }).finishes()
    expect(fails(0)).toBe(-EBUSY)
    expect(lastLine(k)).toBe('recovery action for get hwpoison page: Ignored')
    expect(fails(0)).toBe(-EHWPOISON)
    k.task('kswapd0').finishes()
    lawful(k)
  })

  it('keeps the poison entry across fork, and munmap clears it; the page stays away', () => {
    const k = bootMemory()
    fail(k, P)
    k.task('parent').begins(kernel_clone, { name: 'child' }).finishes()
    expect(k.entry('child')).toBe('hwpoison')
    const vma = k.kernel.vmas.find(({ vm_mm }) => vm_mm === k.mmOf('parent'))?.id
    k.task('parent').begins(do_munmap, { vma }).finishes()
    expect(k.kernel.ptes.in(k.mmOf('parent')).runs()).toEqual([])
    expect(k.kernel.pages.at(P).refcount).toBe(1)
    expect(k.kernel.freePages.has(P)).toBe(false)
    lawful(k)
  })

  it('keeps a tmpfs page in its file, so that the next reader is told', () => {
    const page = bootDisk(true, 'tmpfs')
    const { k, inode, pfn } = page
    expect(scrub(k, 'kswapd0', pfn)).toBe(0)
    expect(k.kernel.pageCache.in(inode).at(0).pfn).toBe(pfn)
    expect(page.touch('B')).toBe('BUS_MCEERR_AR 12')
    lawful(k)
  })

  it('signals a load of a line that went bad unnoticed', () => {
    const k = bootMemory()
    goBad(k, 'kswapd0', P)
    k.task('parent').begins(userLoad, { vpn: k.vpn, value: 0 }).finishes()
    expect(signalOf(k, 'parent')).toBe('BUS_MCEERR_AR 12')
    expect(k.entry('parent')).toBe('hwpoison')
  })
})
