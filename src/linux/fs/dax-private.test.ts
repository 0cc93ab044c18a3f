import { beforeEach, describe, expect, it } from 'vitest'
import { seedMemory } from '../../scenarios/memory-machine'
import { F1DATA, P3 } from '../../testing/removal-kernel'
import { bootTest, P0, type TestKernel, vpnOf } from '../../testing/test-kernel'
import { bootF1, F1, type TruncateKernel } from '../../testing/truncate-kernel'
import { __device_release_driver } from '../drivers/base/dd'
import { EOPNOTSUPP } from '../include/errno'
import { DAX } from '../include/fs'
import { daxInvariants } from '../invariants/families/dax'
import { memoryInvariants } from '../invariants/families/memory'
import { do_exit } from '../kernel/exit'
import { kernel_clone } from '../kernel/fork'
import { pin_user_pages_fast, unpin_user_pages } from '../mm/gup'
import { do_mmap, do_munmap } from '../mm/mmap'
import { lru_add_drain_all } from '../mm/swap'
import { userLoad, userStore } from '../mm/user-access'
import { punchArgs } from './shrink'
import { vfs_fsync_range } from './sync'
import { xfs_file_fallocate } from './xfs/xfs_file'

const MEMORY = 0x12345
const READ_ONLY = ['present', 'user', 'accessed', 'special', 'devmap', 'nx']
const OWN = ['present', 'rw', 'user', 'accessed', 'dirty', 'soft_dirty', 'nx']

/** A has written F1 through a shared mapping; B has it privately. */
function boot(preset = 'v6.12'): TruncateKernel {
  const k = bootF1(preset, { memory: { start: MEMORY, pages: 8 } })
  const args = { inode: F1, pages: 1, pgoff: 0, label: 'P', private: 1 }
  k.task('B').begins(do_mmap, args).finishes()
  return k
}

/** What B's entry maps, with which bits; an access by it before. */
function accessed(k: TestKernel, operation: { readonly name: string }, value = 0x22) {
  const b = k.task('B')
  b.begins(operation, { vpn: vpnOf(k, 'P'), value }).finishes()
  lru_add_drain_all(k.kernel)
  const ptes = k.kernel.ptes.in(b.row.mm)
  const has = ptes.has(vpnOf(k, 'P'))
  return [has ? ptes.at(vpnOf(k, 'P')).pfn : 'none', k.bits(vpnOf(k, 'P'), b.row.mm)] as const
}

const isFree = (k: TestKernel) => k.kernel.freePages.has(MEMORY)
const violations = (k: TestKernel) =>
  [...daxInvariants, ...memoryInvariants]
    .filter(({ kind, name }) => kind === 'always' && name !== 'noFreedBlockHeld')
    .flatMap((each) => k.broken(each) ?? [])

describe('a private mapping of a DAX file', () => {
  let k: TruncateKernel
  beforeEach(() => {
    k = boot()
  })

  it('maps the block to read, and a copy of it to write, which the file never sees', () => {
    expect(accessed(k, userLoad)).toEqual([P3, READ_ONLY])
    expect([k.task('B').row.value, k.ref(P3)]).toEqual([F1DATA, 1])
    expect(accessed(k, userStore)).toEqual([MEMORY, OWN])
    expect([k.cont(), k.cont(MEMORY), k.ref(MEMORY)]).toEqual([F1DATA, 0x22, 1])
    expect([k.slotOf(), k.pte('A'), violations(k)]).toEqual(['0x4802030', 'P3 rw', []])
  })

  it('copies at once where the first access is a write', () => {
    const b = k
      .task('B')
      .begins(userStore, { vpn: vpnOf(k, 'P'), value: 0x22 })
      .runTo('map')
    expect([k.cont(MEMORY), k.locks, k.slotOf()]).toEqual([F1DATA, 'm1', '0x4802031'])
    b.finishes()
    expect([k.cont(), k.cont(MEMORY), k.slotOf()]).toEqual([F1DATA, 0x22, '0x4802030'])
    expect([k.ref(P3), violations(k)]).toEqual([1, []])
  })

  it('keeps its copy, writable, over fsync and a hole', () => {
    accessed(k, userStore)
    k.task('C').begins(vfs_fsync_range, { inode: F1, first: 0, last: 1 }).finishes()
    expect([k.pte('A'), accessed(k, userLoad)]).toEqual(['P3 ro', [MEMORY, OWN]])
    k.task('T')
      .begins(xfs_file_fallocate, punchArgs(k.kernel, F1, 0, 1))
      .finishes()
    expect([k.pte('A'), accessed(k, userLoad), k.task('B').row.value]).toEqual([
      ...['none', [MEMORY, OWN], 0x22],
    ])
  })

  it('loses its copy to truncate, which frees the page', () => {
    accessed(k, userStore)
    expect(k.truncate().finishes()).toBe(0)
    expect([k.entry('B'), isFree(k), k.own(), violations(k)]).toEqual(['none', true, 'free', []])
  })

  it('gives its copy back with munmap', () => {
    accessed(k, userStore)
    const vma = k.kernel.vmas.find(({ label }) => label === 'P')?.id
    k.task('B').begins(do_munmap, { vma }).finishes()
    expect([isFree(k), k.ref(P3), violations(k)]).toEqual([true, 1, []])
  })

  it('shares its copies with a child, as any private memory', () => {
    accessed(k, userStore)
    k.task('A').begins(do_exit).finishes()
    k.task('B').begins(kernel_clone, { name: 'child' }).finishes()
    expect([k.ref(MEMORY), k.kernel.pages.at(MEMORY).mapcount]).toEqual([2, 1])
  })

  it('may be pinned for long where it has a copy, and not where it has none', () => {
    const args = { start: vpnOf(k, 'P'), pages: 1, write: 1, longterm: 1, force: 0 }
    const b = () => k.task('B').begins(pin_user_pages_fast, args).finishes()
    expect(b()).toBe(-EOPNOTSUPP)
    accessed(k, userStore)
    expect([b(), k.ref(MEMORY)]).toEqual([1, 1025])
  })

  it('ends in SIGBUS once the device is gone, and frees the page that it had for the copy', () => {
    k.task('R').begins(__device_release_driver, { device: 1 }).finishes()
    expect(accessed(k, userStore)).toEqual(['none', undefined])
    expect([k.task('B').row.si_code, isFree(k)]).toEqual(['BUS_ADRERR', true])
  })
})

it('counts as any entry in 6.15: the block is put when the copy comes', () => {
  const k = boot('v6.15')
  expect([accessed(k, userLoad)[0], k.ref(P3)]).toEqual([P3, 2])
  expect([accessed(k, userStore)[0], k.ref(P3), k.kernel.pages.at(P3).mapcount]).toEqual([
    ...[MEMORY, 1, 0],
  ])
  expect(violations(k)).toEqual([])
})

describe('2 MiB of a DAX file', () => {
  const bootHuge = () => {
    const k = bootTest()
    seedMemory(k.kernel, { start: 0x8000, pages: 1024 }, 'NORMAL')
    return k
  }
  const touch = (k: TestKernel, vpn: number, operation: { readonly name: string }) => {
    k.task('app').begins(operation, { vpn, value: 0x22 }).finishes()
    const ptes = k.kernel.ptes.in(1)
    return ptes.has(vpn) ? ptes.at(vpn).pfn : 'none'
  }
  const punch = (k: TestKernel) =>
    k
      .task('shell')
      .begins(xfs_file_fallocate, punchArgs(k.kernel, 1, 0, 512))
      .finishes()

  it('mapped privately: one PMD to read; a write clears it, and copies one page', () => {
    const k = bootHuge()
    const map = { inode: 1, pages: 512, pgoff: 0, label: 'P', private: 1 }
    k.task('app').begins(do_mmap, map).finishes()
    const vpn = vpnOf(k, 'P')
    expect(touch(k, vpn + 5, userLoad)).toBe(P0 + 5)
    expect(k.bits(vpn)).toContain('pse')
    expect(touch(k, vpn + 5, userStore)).toBe(0x8000)
    expect([k.bits(vpn), k.bits(vpn + 5)]).toEqual([undefined, OWN])
    expect(touch(k, vpn, userLoad)).toBe(P0)
    expect(k.bits(vpn)).toEqual(READ_ONLY)
  })

  it('that are a hole are read through the huge zero page, which pins count; a write puts a block there', () => {
    const k = bootHuge()
    punch(k)
    const vpn = vpnOf(k, 'A')
    expect(touch(k, vpn + 7, userLoad)).toBe(k.kernel.globals.huge_zero_pfn + 7)
    expect(k.bits(vpn)).toEqual(['present', 'user', 'accessed', 'pse', 'nx'])
    expect(k.kernel.daxEntries.in(1).at(0).flags).toBe(DAX.zero_page | DAX.pmd)
    const zero = k.kernel.globals.huge_zero_pfn
    const counts = () => [k.kernel.pages.at(zero).refcount, k.kernel.folios.at(zero).pincount]
    const pin = { start: vpn, pages: 1, write: 0, longterm: 0, force: 0 }
    k.task('app').begins(pin_user_pages_fast, pin).finishes()
    expect(counts()).toEqual([2, 1])
    k.task('app').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect(counts()).toEqual([1, 0])
    expect(touch(k, vpn, userStore)).toBe(P0)
    expect(k.bits(vpn + 511)).toContain('devmap')
    expect(k.kernel.daxEntries.in(1).at(511).flags).toBe(DAX.pmd)
  })

  it('that are a hole are unmapped for one page of another size', () => {
    const k = bootHuge()
    k.task('shell')
      .begins(xfs_file_fallocate, punchArgs(k.kernel, 1, 1024, 512))
      .finishes()
    const a = vpnOf(k, 'A') + 1024
    touch(k, a, userLoad)
    touch(k, vpnOf(k, 'B'), userLoad)
    expect([k.bits(a), k.bits(vpnOf(k, 'B'))]).toEqual([
      undefined,
      ['present', 'user', 'accessed', 'special', 'nx'],
    ])
    const entries = k.kernel.daxEntries.in(1)
    expect([entries.has(1024), entries.at(1025).flags]).toEqual([false, DAX.zero_page])
  })
})
