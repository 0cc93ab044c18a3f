import { describe, expect, it } from 'vitest'
import { bootMemory, type MemoryKernel, P, Q } from '../../testing/memory-kernel'
import { type TestKernel, vpnOf } from '../../testing/test-kernel'
import { PTE } from '../arch/x86/pgtable'
import { createFile } from '../fs/file'
import { EBUSY, EHWPOISON, EIO } from '../include/errno'
import { MF } from '../include/mm'
import { PG } from '../include/page-flags'
import { memoryInvariants } from '../invariants/families/memory'
import { kernel_clone } from '../kernel/fork'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from './gup'
import { injectPoison } from './hwpoison-inject'
import { madviseHwpoison } from './madvise-inject'
import { memory_failure } from './memory-failure'
import { do_mmap, do_munmap } from './mmap'
import { userLoad, userStore } from './user-access'
import { shrink_folio_list } from './vmscan'

const signalOf = (k: TestKernel, who: string): string => {
  const { signal, si_code, si_addr_lsb } = k.task(who).row
  return signal === 'none' ? 'none' : `${si_code} ${si_addr_lsb}`
}
const scrub = (k: TestKernel, who: string, pfn: number, recorded = 0): number =>
  k.task(who).begins(injectPoison, { pfn, found: 1, recorded }).finishes()
const goBad = (k: TestKernel, who: string, pfn: number, recorded = 0): number =>
  k.task(who).begins(injectPoison, { pfn, found: 0, recorded }).finishes()
const logOf = (k: TestKernel): string[] => k.kernel.log.rows().map(({ line }) => line)
const lastLine = (k: TestKernel): string =>
  logOf(k)
    .at(-1)
    ?.replace(/^.*: 0x\w+: /, '') ?? ''
const lawful = (k: MemoryKernel) => {
  for (const law of memoryInvariants) expect(k.broken(law), law.name).toBeUndefined()
}

/** A maps a page of a file on an ordinary disk, B the same; A is early-kill. */
function bootDisk(write: boolean, type: 'xfs' | 'tmpfs' = 'xfs') {
  const k = bootMemory({
    machine: {
      processes: [
        { comm: 'parent', pid: 100 },
        { comm: 'B', pid: 200 },
      ],
    },
  })
  const { kernel } = k
  const superBlock = kernel.superBlocks.make({ s_type: type, s_id: 'sda1' }).id
  const inode = k
    .task('kswapd0')
    .begins(createFile, { superBlock, name: '/f', size: 4096 })
    .finishes()
  if (type === 'xfs') kernel.diskBlocks.in(inode).fill(0, 1, { value: 0x77 })
  for (const who of ['parent', 'B'])
    k.task(who)
      .begins(do_mmap, { inode, pages: 1, pgoff: 0, label: `F ${who}`, private: 0 })
      .finishes()
  k.task('parent').row.mce_kill = 'early'
  const vpn = (who: string) => vpnOf(k, `F ${who}`)
  if (write)
    k.task('parent')
      .begins(userStore, { vpn: vpn('parent'), value: 0x11 })
      .finishes()
  for (const who of ['parent', 'B'])
    k.task(who)
      .begins(userLoad, { vpn: vpn(who), value: 0 })
      .finishes()
  k.drain()
  const pfn = kernel.pageCache.in(inode).at(0).pfn
  const entry = (who: string): string => {
    const ptes = kernel.ptes.in(k.mmOf(who))
    return ptes.has(vpn(who)) ? ptes.at(vpn(who)).kind : 'none'
  }
  const touch = (who: string): string => {
    k.task(who)
      .begins(userLoad, { vpn: vpn(who), value: 0 })
      .finishes()
    const { signal, value } = k.task(who).row
    return signal === 'none' ? `0x${value.toString(16)}` : signalOf(k, who)
  }
  return { k, inode, pfn, entry, touch, vpn }
}

describe('W27: six one-page outcomes (6.12). A is early-kill, B late-kill, both map the page', () => {
  it('a: dirty page cache, AO: both entries poisoned, dropped, -EIO for fsync, A hears of it at once', () => {
    const { k, inode, pfn, entry, touch } = bootDisk(true)
    expect(scrub(k, 'kswapd0', pfn)).toBe(0)
    expect([entry('parent'), entry('B')]).toEqual(['hwpoison', 'hwpoison'])
    expect(k.kernel.pageCache.in(inode).has(0)).toBe(false)
    expect(k.kernel.inodes.at(inode).wb_err).toBe(-EIO)
    expect([signalOf(k, 'parent'), signalOf(k, 'B')]).toEqual(['BUS_MCEERR_AO 12', 'none'])
    expect(lastLine(k)).toBe('recovery action for dirty LRU page: Recovered')
    expect(touch('B')).toBe('BUS_MCEERR_AR 12')
    expect(k.kernel.pages.at(pfn).refcount).toBe(1)
    expect(k.kernel.holders.at(pfn).poison).toBe(1)
    lawful(k)
  })

  it('b: clean page cache, AO: entries just go, nobody is told, and the next read finds a new page', () => {
    const { k, inode, pfn, entry, touch } = bootDisk(false)
    expect(scrub(k, 'kswapd0', pfn)).toBe(0)
    expect([entry('parent'), entry('B')]).toEqual(['none', 'none'])
    expect(k.kernel.pageCache.in(inode).has(0)).toBe(false)
    expect(k.kernel.inodes.at(inode).wb_err).toBe(0)
    expect([signalOf(k, 'parent'), signalOf(k, 'B')]).toEqual(['none', 'none'])
    expect(lastLine(k)).toBe('recovery action for clean LRU page: Recovered')
    expect(touch('B')).toBe('0x77')
    expect(k.kernel.pageCache.in(inode).at(0).pfn).not.toBe(pfn)
    lawful(k)
  })

  it('c: anonymous, AO: both entries poisoned, the page kept by poison, A AO, B AR at its touch', () => {
    const k = bootMemory()
    k.task('parent').row.mce_kill = 'early'
    k.task('parent').begins(kernel_clone, { name: 'child' }).finishes()
    expect(scrub(k, 'kswapd0', P)).toBe(0)
    expect([k.entry('parent'), k.entry('child')]).toEqual(['hwpoison', 'hwpoison'])
    expect(k.kernel.pages.at(P).refcount).toBe(1)
    expect(k.kernel.holders.at(P).poison).toBe(1)
    expect([signalOf(k, 'parent'), signalOf(k, 'child')]).toEqual(['BUS_MCEERR_AO 12', 'none'])
    k.task('child').begins(userLoad, { vpn: k.vpn, value: 0 }).finishes()
    expect(signalOf(k, 'child')).toBe('BUS_MCEERR_AR 12')
    lawful(k)
  })

  it('f: pinned page cache, AO: unmapped all the same, FAILED, and the pin stays', () => {
    const { k, pfn, entry, touch, vpn } = bootDisk(true)
    const args = { start: vpn('B'), pages: 1, write: 1, longterm: 0, force: 0 }
    k.task('B').begins(pin_user_pages_fast, args).finishes()
    expect(scrub(k, 'kswapd0', pfn)).toBe(-EBUSY)
    expect([entry('parent'), entry('B')]).toEqual(['hwpoison', 'hwpoison'])
    expect([signalOf(k, 'parent'), signalOf(k, 'B')]).toEqual(['BUS_MCEERR_AO 12', 'none'])
    expect(lastLine(k)).toBe('recovery action for dirty LRU page: Failed')
    expect(touch('B')).toBe('BUS_MCEERR_AR 12')
    expect(k.kernel.pages.at(pfn).refcount).toBe(1025)
    lawful(k)
  })
})

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
    const { k, inode, pfn, touch } = bootDisk(true, 'tmpfs')
    expect(scrub(k, 'kswapd0', pfn)).toBe(0)
    expect(k.kernel.pageCache.in(inode).at(0).pfn).toBe(pfn)
    expect(touch('B')).toBe('BUS_MCEERR_AR 12')
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
