import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashFromScratch, pack } from '../../arena'
import { bootTest, P0, type TestKernel, vpnOf } from '../../testing/test-kernel'
import { noFreedBlockHeld } from '../invariants/no-freed-block-held'
import { truncateWaits } from '../invariants/truncate-waits'
import { pin_user_pages_fast, unpin_user_pages } from '../mm/gup'
import { do_mmap, do_munmap } from '../mm/mmap'
import { userLoad, userStore } from '../mm/user-access'
import { ext4_setattr } from './ext4/inode'
import { createFile } from './file'
import { punchArgs, truncateArgs } from './shrink'
import { xfs_file_fallocate, xfs_vn_setattr } from './xfs/xfs_file'

const WRITTEN_PMD = [
  'present',
  'rw',
  'user',
  'accessed',
  'dirty',
  'pse',
  'soft_dirty',
  'devmap',
  'nx',
]

const pin = (k: TestKernel, label: string) =>
  k
    .task('app')
    .begins(pin_user_pages_fast, { start: vpnOf(k, label), pages: 1, write: 1, longterm: 0 })
    .finishes()
const touch = (k: TestKernel, label: string, operation = userStore, value = 0x11) =>
  k
    .task('app')
    .begins(operation, { vpn: vpnOf(k, label), value })
    .finishes()
const truncate = (k: TestKernel) =>
  k.task('shell').begins(xfs_vn_setattr, truncateArgs(k.kernel, 1, 0))

describe('the fault of a DAX file', () => {
  it('maps 2 MiB with one PMD where file and address are aligned', () => {
    const k = bootTest()
    touch(k, 'A')
    expect(k.bits(vpnOf(k, 'A'))).toEqual(WRITTEN_PMD)
    expect(k.bits(vpnOf(k, 'A') + 511)).toEqual(WRITTEN_PMD)
    expect(k.bits(vpnOf(k, 'A') + 512)).toBeUndefined()
  })

  it('maps one page with a PTE where the area is too short for a PMD', () => {
    const k = bootTest()
    touch(k, 'B', userLoad)
    expect(k.bits(vpnOf(k, 'B'))).toEqual([
      'present',
      'user',
      'accessed',
      'special',
      'devmap',
      'nx',
    ])
    k.expectPage(P0 + 1025, { refcount: 1, mapcount: -1, mapping: 1 })
  })

  it('makes a second faulter of the same page wait for the entry', () => {
    const k = bootTest()
    k.task('other').begins(do_mmap, { inode: 1, pages: 2048, pgoff: 0, label: 'C' }).finishes()
    k.task('app')
      .begins(userLoad, { vpn: vpnOf(k, 'A'), value: 0 })
      .runTo('iomap')
    const other = k
      .task('other')
      .begins(userLoad, { vpn: vpnOf(k, 'C'), value: 0 })
      .runs()
    expect(other.reason).toBe('waits for the DAX entry of file page 0, which app has locked')
    k.task('app').finishes()
    other.finishes()
    expect(other.row.signal).toBe('none')
  })

  it('ends in SIGSEGV where nothing is mapped', () => {
    const k = bootTest()
    k.task('app').begins(userLoad, { vpn: 1, value: 0 }).finishes()
    expect([k.task('app').row.signal, k.task('app').row.si_code]).toEqual([
      'SIGSEGV',
      'SEGV_MAPERR',
    ])
  })
})

describe('truncate of a page that is under DMA (W4: 4.18 and later)', () => {
  it('waits, lets the mapper fault again, is woken by the last put, and looks again', () => {
    const k = bootTest()
    touch(k, 'A')
    pin(k, 'A')
    k.expectPage(P0, { refcount: 1025 })
    const shell = truncate(k).runs()
    expect(shell.next).toBe('sleep')
    expect(shell.reason).toBe(
      'waits for page 0x60400 to be idle: refcount 1025 → 1; held by app (FOLL_PIN)',
    )
    expect(k.broken(truncateWaits)).toBe('shell sleeps')
    expect(k.bits(vpnOf(k, 'A'))).toBeUndefined()
    expect(k.kernel.inodes.at(1).iolock).toBe(shell.id)
    expect(k.kernel.inodes.at(1).mmaplock).toBe(0)

    touch(k, 'A', userLoad, 0)
    expect(k.task('app').row.value).toBe(0x11)
    expect(k.bits(vpnOf(k, 'A'))).toBeDefined()

    k.task('app').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect(shell.finishes()).toBe(0)
    expect(k.bits(vpnOf(k, 'A'))).toBeUndefined()
    expect(k.kernel.inodes.at(1).i_size).toBe(0)
    k.expectPage(P0, { refcount: 1, mapping: 0 })
    touch(k, 'A', userLoad, 0)
    expect([k.task('app').row.signal, k.task('app').row.si_code]).toEqual(['SIGBUS', 'BUS_ADRERR'])
  })

  it('waits again where the page was pinned anew meanwhile (W10)', () => {
    const k = bootTest()
    touch(k, 'A')
    pin(k, 'A')
    const shell = truncate(k).runs()
    pin(k, 'B')
    k.task('app').begins(unpin_user_pages, { handle: 1 }).finishes()
    shell.runs()
    expect(shell.reason).toContain('waits for page 0x60801 to be idle')
    k.task('app').begins(unpin_user_pages, { handle: 2 }).finishes()
    expect(shell.finishes()).toBe(0)
  })

  it('does not wait where nobody maps the file any more, though a page is still pinned (W12)', () => {
    const k = bootTest()
    touch(k, 'A')
    pin(k, 'A')
    for (const vma of [1, 2]) k.task('app').begins(do_munmap, { vma }).finishes()
    expect(truncate(k).finishes()).toBe(0)
    expect(k.broken(noFreedBlockHeld)).toBe('block 0x60400 is free, and app still holds it')
  })

  it('waits on ext4 as well, under names of its own', () => {
    const k = bootTest({ filesystem: 'ext4' })
    touch(k, 'A')
    pin(k, 'A')
    const shell = k
      .task('shell')
      .begins(ext4_setattr, truncateArgs(k.kernel, 1, 0))
      .runs()
    expect(k.kernel.machine.stepName(shell.id)).toBe('ext4_break_layouts.sleep')
  })
})

describe('truncate up to 4.17 (W1)', () => {
  it('frees the block under DMA, and another file gets it', () => {
    const k = bootTest({ daxTruncate: 'ignore' })
    touch(k, 'A')
    pin(k, 'A')
    expect(truncate(k).finishes()).toBe(0)
    expect(k.broken(noFreedBlockHeld)).toBe('block 0x60400 is free, and app still holds it')
    const made = k
      .task('shell')
      .begins(createFile, { superBlock: 1, name: '/mnt/b', size: 8 << 20 })
      .finishes()
    expect(k.kernel.extents.in(made).at(0).pfn).toBe(P0)
    k.expectPage(P0, { refcount: 1025 })
  })
})

it.each([xfs_vn_setattr, xfs_file_fallocate])(
  '$name of a file that is not there is refused',
  ({ start }) => {
    const k = bootTest()
    const shell = k.task('shell').id
    for (const args of [truncateArgs(k.kernel, 0, 0), punchArgs(k.kernel, 99, 0, 1)])
      expect(start?.refuse(k.kernel, args, shell)).toBe('There is no such file.')
  },
)

describe('the punch of a hole', () => {
  it('leaves the size, and a read of the hole maps the zero page', () => {
    const k = bootTest()
    touch(k, 'A')
    k.task('shell')
      .begins(xfs_file_fallocate, punchArgs(k.kernel, 1, 0, 4))
      .finishes()
    expect(k.kernel.inodes.at(1).i_size).toBe(8 << 20)
    touch(k, 'A', userLoad, 0)
    expect(k.bits(vpnOf(k, 'A'))).toEqual(['present', 'user', 'accessed', 'special', 'nx'])
    expect(k.kernel.ptes.in(1).at(vpnOf(k, 'A')).pfn).toBe(k.kernel.globals.zero_pfn)
  })

  it('gives a block to a write of the hole, in the place of the zero page', () => {
    const k = bootTest()
    k.task('shell')
      .begins(xfs_file_fallocate, punchArgs(k.kernel, 1, 0, 4))
      .finishes()
    touch(k, 'A', userLoad, 0)
    touch(k, 'A')
    expect(k.kernel.ptes.in(1).at(vpnOf(k, 'A')).pfn).not.toBe(k.kernel.globals.zero_pfn)
    expect(k.task('app').row.signal).toBe('none')
  })
})

describe('any schedule of faults, pins, truncate and unmap', () => {
  it('runs without an exception, with exact undo and an exact hash', () => {
    const act = fc.record({
      task: fc.integer({ min: 1, max: 4 }),
      what: fc.integer({ min: 0, max: 9 }),
    })
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
        const { kernel } = bootTest()
        const { arena } = kernel.heap
        arena.journal.length = 0
        const begin = arena.mark()
        const words = pack(arena)
        for (const { task, what } of acts) {
          if (kernel.machine.isIdle(task)) startSomething(kernel, task, what)
          else if (kernel.machine.canStep(task)) kernel.machine.step(task)
        }
        expect(hashFromScratch(arena)).toEqual([arena.hashLo, arena.hashHi])
        arena.undoTo(begin)
        expect(pack(arena)).toEqual(words)
      }),
      { numRuns: 60 },
    )
  })
})

/** Begins one of the operations that a menu would offer, if it would. */
function startSomething(k: TestKernel['kernel'], task: number, what: number): void {
  const { role } = k.tasks.at(task)
  const offered = k.machine.operations.filter(({ start }) => start?.by === role)
  const operation = offered[what % offered.length]
  const start = operation?.start
  if (operation === undefined || start === undefined) return
  const rows = {
    vma: k.vmas,
    inode: k.inodes,
    namespace: k.namespaces,
    pin: k.pinHandles,
    super_block: k.superBlocks,
    resource: k.resources,
  }
  const kind = start.on.find((each): each is keyof typeof rows => each in rows)
  const id = kind && rows[kind].rows()[what % Math.max(1, rows[kind].rows().length)]?.id
  if (kind === undefined || id === undefined) return
  const args = start.args(k, { kind, id })
  if (start.refuse(k, args, task) === undefined) k.machine.start(task, operation, args)
}
