import { describe, expect, it } from 'vitest'
import { flagsSet } from '../../arena'
import { bootTest, P0, type TestKernel, vpnOf } from '../../testing/test-kernel'
import { __device_release_driver } from '../drivers/base/dd'
import { EBUSY, EOPNOTSUPP, ERESTARTSYS } from '../include/errno'
import { PAGE_MAPPING } from '../include/page-flags'
import { daxInvariants } from '../invariants/families/dax'
import { do_send_sig_info } from '../kernel/signal'
import { pin_user_pages_fast, unpin_user_pages } from '../mm/gup'
import { memory_failure } from '../mm/memory-failure'
import { do_mmap } from '../mm/mmap'
import { userLoad, userStore } from '../mm/user-access'
import { presets } from '../presets'
import { daxRead, daxWrite } from './dax-rw'
import { createFile, writeFile } from './file'
import { truncateArgs } from './shrink'
import { xfs_vn_setattr } from './xfs/xfs_file'
import { xfs_file_remap_range } from './xfs/xfs_reflink'

const A = 1
const B = 2
/** File page 1025: `app` maps it of file A at B, and `other` of file B at C. */
const INDEX = 1025
const PAGE = P0 + INDEX
/** What was the first block of file B, and is free once that has the blocks of A: copies come here. */
const FRESH = P0 + 2048

/** Two files of 8 MiB, full of 0xaa and 0xbb; `app` has stored 0x11 into page 1025 of the first. */
function boot(preset = 'v6.12', policies: Readonly<Record<string, string>> = {}): TestKernel {
  const rules = presets.find(({ name }) => name === preset)?.policies
  const k = bootTest({ ...rules, ...policies }, { sizes: { hotplug: 1 } })
  const file = { superBlock: 1, name: '/mnt/b', size: 8 << 20 }
  k.task('shell').begins(createFile, file).finishes()
  for (const [inode, value] of [
    [A, 0xaa],
    [B, 0xbb],
  ])
    k.task('shell').begins(writeFile, { inode, value }).finishes()
  const area = { pages: 4, pgoff: INDEX, private: 0 }
  k.task('other')
    .begins(do_mmap, { inode: B, label: 'C', ...area })
    .finishes()
  access(k, 'app', userStore, 0x11)
  return k
}

const placeOf = (k: TestKernel, who: 'app' | 'other') => vpnOf(k, who === 'app' ? 'B' : 'C')

/** What a process reads at its page, or the signal that it gets; what it stores, if it does. */
function access(
  k: TestKernel,
  who: 'app' | 'other',
  operation: { readonly name: string } = userLoad,
  value = 0,
): number | string {
  const task = k.task(who)
  task.begins(operation, { vpn: placeOf(k, who), value }).finishes()
  return task.row.signal === 'none' ? task.row.value : task.row.si_code
}

const clone = (k: TestKernel) =>
  k.task('shell').begins(xfs_file_remap_range, { source: A, target: B })

/** What a page says about its files: mapping, its tag, and share. */
function says(k: TestKernel, pfn = PAGE): [mapping: number, tag: string, share: number] {
  const { mapping, mapping_flags, share } = k.kernel.pages.at(pfn)
  return [mapping, flagsSet(PAGE_MAPPING, mapping_flags).join(), share]
}

/** The block of page 1025 of a file, and where a process has it mapped. */
const blockOf = (k: TestKernel, inode: number) => k.kernel.extents.in(inode).at(INDEX).pfn
const mapped = (k: TestKernel, who: 'app' | 'other') => {
  const ptes = k.kernel.ptes.in(k.task(who).row.mm)
  return ptes.has(placeOf(k, who)) ? ptes.at(placeOf(k, who)).pfn : 'none'
}
const violations = (k: TestKernel) =>
  daxInvariants.filter(({ kind }) => kind === 'always').flatMap((each) => k.broken(each) ?? [])
const truncate = (k: TestKernel, inode: number) =>
  k
    .task('shell')
    .begins(xfs_vn_setattr, truncateArgs(k.kernel, inode, 0))
    .finishes()

describe('FICLONE of a DAX file', () => {
  it('gives both files the blocks of the first, unmapped and clean', () => {
    const k = boot()
    access(k, 'other')
    expect(clone(k).finishes()).toBe(0)
    expect([blockOf(k, A), blockOf(k, B)]).toEqual([PAGE, PAGE])
    expect([mapped(k, 'app'), mapped(k, 'other')]).toEqual(['none', 'none'])
    expect(k.kernel.daxEntries.in(A).at(INDEX).marks).toBe(0)
    expect(k.kernel.daxEntries.in(B).has(INDEX)).toBe(false)
    const dirty = k.kernel.inodes.rows().map(({ datasync_dirty }) => datasync_dirty)
    expect(dirty).toEqual([1, 1])
    expect([access(k, 'other'), access(k, 'app'), violations(k)]).toEqual([0x11, 0x11, []])
  })

  it.each(['v5.12', 'v5.19'])(
    'is refused on %s, where DAX and reflink exclude each other',
    (preset) => {
      const k = boot(preset)
      expect(clone(k).finishes()).toBe(-EOPNOTSUPP)
      expect(blockOf(k, B)).toBe(PAGE + 2048)
    },
  )

  it('is refused on ext4', () => {
    expect(clone(boot('v6.12', { filesystem: 'ext4' })).finishes()).toBe(-EOPNOTSUPP)
  })

  it('sleeps while the first file is under DMA, and a signal ends that', () => {
    const k = boot()
    const args = { start: placeOf(k, 'app'), pages: 1, write: 1, longterm: 0, force: 0 }
    k.task('app').begins(pin_user_pages_fast, args).finishes()
    const shell = clone(k).runs()
    expect([shell.next, shell.reason.includes('held by app (FOLL_PIN)')]).toEqual(['sleep', true])
    const signal = { target: shell.id, signal: 'SIGINT' }
    k.task('shell 2').begins(do_send_sig_info, signal).finishes()
    expect([shell.finishes(), blockOf(k, B)]).toEqual([-ERESTARTSYS, PAGE + 2048])
    const locks = k.kernel.inodes.rows().map(({ iolock, mmaplock }) => [iolock, mmaplock])
    expect(locks).toEqual([
      [0, 0],
      [0, 0],
    ])
  })

  it('tries again and again, without MMAPLOCK, while the second file is under DMA', () => {
    const k = boot()
    const args = { start: placeOf(k, 'other'), pages: 1, write: 1, longterm: 0, force: 0 }
    k.task('other').begins(pin_user_pages_fast, args).finishes()
    const shell = clone(k).runs()
    expect(shell.reason).toBe('tries again and again: page 0x61001 of /mnt/b is under DMA')
    expect(k.kernel.inodes.rows().map(({ mmaplock }) => mmaplock)).toEqual([0, 0])
    expect(access(k, 'other')).toBe(0xbb)
    const holders = k.kernel.machine.waiting(shell.id)?.holders.map(({ task }) => task)
    expect(holders).toEqual([k.task('other').id])
    k.task('other').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect([shell.finishes(), blockOf(k, B)]).toEqual([0, PAGE])
  })
})

describe('the page of a block that two files share', () => {
  it('has the sentinel and a count in 6.12, which begins at 1 where one file had it', () => {
    const k = boot()
    expect(says(k)).toEqual([A, '', 0])
    clone(k).finishes()
    expect(says(k)).toEqual([A, '', 0])
    access(k, 'other')
    expect([says(k), mapped(k, 'other')]).toEqual([[0, 'dax_shared', 2], PAGE])
    // Each fault takes its file out and puts it in again.
    access(k, 'app')
    expect(says(k)).toEqual([0, 'dax_shared', 2])
    truncate(k, B)
    expect([says(k), violations(k)]).toEqual([[0, 'dax_shared', 1], []])
    truncate(k, A)
    expect(says(k)).toEqual([0, '', 0])
  })

  it('has the sentinel from its first sharer on in 6.1', () => {
    const k = boot('v6.1')
    k.task('shell').begins(xfs_file_remap_range, { source: B, target: A }).finishes()
    expect(says(k, PAGE + 2048)).toEqual([0, '', 0])
    access(k, 'app')
    expect(says(k, PAGE + 2048)).toEqual([0, 'dax_shared', 1])
    access(k, 'other')
    expect(says(k, PAGE + 2048)).toEqual([0, 'dax_shared', 2])
  })

  it('names its first file in 6.15, and none once there are two', () => {
    const k = boot('v6.15')
    k.task('shell').begins(xfs_file_remap_range, { source: B, target: A }).finishes()
    access(k, 'app')
    expect(says(k, PAGE + 2048)).toEqual([A, '', 0])
    access(k, 'other')
    expect(says(k, PAGE + 2048)).toEqual([0, '', 2])
    truncate(k, A)
    expect(says(k, PAGE + 2048)).toEqual([0, '', 1])
    truncate(k, B)
    expect([says(k, PAGE + 2048), violations(k)]).toEqual([[0, '', 0], []])
  })
})

describe('a store to a block that two files share', () => {
  it.each([
    ['v6.12', [0, 'dax_shared', 1], [0, 'dax_shared', 1]],
    ['v6.15', [0, '', 1], [B, '', 0]],
  ] as const)(
    'gives the file a block of its own, with the rest of the data (%s)',
    (preset, old, fresh) => {
      const k = boot(preset)
      clone(k).finishes()
      access(k, 'other')
      access(k, 'app')
      expect(access(k, 'other', userStore, 0x22)).toBe(0x11)
      expect([blockOf(k, A), blockOf(k, B), mapped(k, 'other')]).toEqual([PAGE, FRESH, FRESH])
      expect(k.kernel.contents.at(FRESH)).toMatchObject({ value: 0x22, rest: 0 })
      expect([says(k), says(k, FRESH)]).toEqual([old, fresh])
      expect([access(k, 'app'), access(k, 'other'), violations(k)]).toEqual([0x11, 0x22, []])
    },
  )

  it('does so for the first file too, whose old mappings are gone', () => {
    const k = boot()
    clone(k).finishes()
    access(k, 'app', userStore, 0x33)
    expect([access(k, 'other'), access(k, 'app')]).toEqual([0x11, 0x33])
    expect([blockOf(k, B), mapped(k, 'app')]).toEqual([PAGE, blockOf(k, A)])
  })

  it('copies 2 MiB where a PMD is mapped', () => {
    const k = boot()
    clone(k).finishes()
    k.task('app')
      .begins(userStore, { vpn: vpnOf(k, 'A'), value: 0x44 })
      .finishes()
    const extents = k.kernel.extents.in(A)
    expect([extents.at(0).pfn, extents.at(511).pfn, extents.at(512).pfn]).toEqual([
      FRESH,
      FRESH + 511,
      P0 + 512,
    ])
    expect(k.bits(vpnOf(k, 'A'))).toContain('pse')
    const read = { inode: B, pos: 0, length: 16, value: 0 }
    k.task('shell').begins(daxRead, read).finishes()
    expect(k.task('shell').row.value).toBe(0xaa)
  })

  it('needs no copy once the other file has given the block up', () => {
    const k = boot()
    clone(k).finishes()
    truncate(k, A)
    access(k, 'other', userStore, 0x55)
    expect([blockOf(k, B), mapped(k, 'other'), violations(k)]).toEqual([PAGE, PAGE, []])
  })

  it.each([
    ['a page', { inode: B, pos: INDEX * 4096, length: 4096, value: 0x66 }, daxWrite],
    ['the whole file', { inode: B, value: 0x66 }, writeFile],
  ] as const)('by write(2) of %s does the same, and unmaps the old block', (_, args, operation) => {
    const k = boot()
    clone(k).finishes()
    access(k, 'other')
    k.task('shell').begins(operation, args).finishes()
    expect([mapped(k, 'other'), says(k)]).toEqual(['none', [0, 'dax_shared', 1]])
    expect([access(k, 'app'), access(k, 'other')]).toEqual([0x11, 0x66])
  })

  it('by write(2) waits for a fault of the same page', () => {
    const k = boot()
    clone(k).finishes()
    k.task('other')
      .begins(userLoad, { vpn: placeOf(k, 'other'), value: 0 })
      .runTo('insert_pte')
    const args = { inode: B, pos: INDEX * 4096, length: 4096, value: 0x66 }
    const shell = k.task('shell').begins(daxWrite, args).runs()
    expect(shell.reason).toBe('waits for the DAX entry of file page 1025, which other has locked')
    k.task('other').finishes()
    expect([shell.finishes(), access(k, 'other')]).toEqual([4096, 0x66])
  })
})

describe('a failure of a block that two files share', () => {
  const shared = (preset = 'v6.12', rmapbt = 'on') => {
    const k = boot(preset, { rmapbt })
    clone(k).finishes()
    access(k, 'app')
    access(k, 'other')
    expect([mapped(k, 'app'), mapped(k, 'other')]).toEqual([PAGE, PAGE])
    return k
  }
  const signals = (k: TestKernel) => [k.task('app').row.si_code, k.task('other').row.si_code]

  it('reaches who maps it through either file, by the reverse map', () => {
    const k = shared()
    for (const who of ['app', 'other']) k.task(who).row.mce_kill = 'early'
    expect(k.task('shell').begins(memory_failure, { pfn: PAGE, flags: 0 }).finishes()).toBe(0)
    expect(signals(k)).toEqual(['BUS_MCEERR_AO', 'BUS_MCEERR_AO'])
    expect([mapped(k, 'app'), mapped(k, 'other')]).toEqual(['none', 'none'])
  })

  it('finds nobody without a reverse map, for the page names no file', () => {
    const k = shared('v6.15', 'off')
    expect(k.task('shell').begins(memory_failure, { pfn: PAGE, flags: 0 }).finishes()).toBe(-EBUSY)
    expect(signals(k)).toEqual(['none', 'none'])
  })

  it('before a removal unmaps both files, and kills both', () => {
    const k = shared()
    k.task('shell').begins(__device_release_driver, { device: 1 }).finishes()
    expect(signals(k)).toEqual(['BUS_MCEERR_AO', 'BUS_MCEERR_AO'])
    expect([mapped(k, 'app'), mapped(k, 'other'), violations(k)]).toEqual(['none', 'none', []])
  })
})
