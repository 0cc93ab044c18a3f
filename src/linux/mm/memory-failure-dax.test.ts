import { describe, expect, it } from 'vitest'
import { bootDax, goBad, lastLine, scrub, signalOf } from '../../testing/poison-kernel'
import { bootTest, P0, vpnOf } from '../../testing/test-kernel'
import { daxRead, daxWrite } from '../fs/dax-rw'
import { EBUSY, EIO, ENXIO, EUCLEAN } from '../include/errno'
import { PG } from '../include/page-flags'
import { conservation } from '../invariants/conservation'
import { hasFlag } from './folio'
import { madviseHwpoison } from './madvise-inject'
import { memory_failure } from './memory-failure'
import { userStore } from './user-access'

/** File page 1025, which A maps at B and the other process at C, both with small entries. */
const PAGE = P0 + 1025

describe('W27 on fs-dax', () => {
  it('d as recorded: by madvise the caller gets AR, the other is unmapped without a signal, and both read on', () => {
    const page = bootDax(false)
    const { k } = page
    expect(k.task('app').begins(madviseHwpoison, { vpn: page.vpns.A }).finishes()).toBe(0)
    expect([signalOf(k, 'app'), signalOf(k, 'other')]).toEqual(['BUS_MCEERR_AR 12', 'none'])
    expect([page.entry('A'), page.entry('B')]).toEqual(['none', 'none'])
    expect([page.touch('A'), page.touch('B')]).toEqual(['0x11', '0x11'])
    const args = { inode: 1, pos: 1025 * 4096, length: 4096, value: 0 }
    expect(k.task('shell').begins(daxWrite, args).finishes()).toBe(4096)
    expect(hasFlag(k.kernel, PAGE, PG.hwpoison)).toBe(true)
    expect(page.touch('A')).toBe('0x0')
    expect(k.broken(conservation)).toBeUndefined()
  })

  it.each([
    ['early', 'BUS_MCEERR_AO 12'],
    ['currentOnly', 'none'],
  ])('d by the collect rule %s: A, who asked for early kill, gets %s', (forcedKill, signal) => {
    const page = bootDax(true, { forcedKill })
    const { k } = page
    goBad(k, 'shell', PAGE)
    expect([page.touch('B'), signalOf(k, 'app')]).toEqual(['BUS_MCEERR_AR 12', signal])
    expect([page.entry('A'), page.entry('B')]).toEqual(['none', 'none'])
  })

  it('e up to 5.11, A early-kill: force means nobody but current, so a scrub unmaps nothing', () => {
    const page = bootDax(true, { forcedKill: 'currentOnly' })
    const { k } = page
    expect(scrub(k, 'shell', PAGE)).toBe(0)
    expect([page.entry('A'), page.entry('B'), signalOf(k, 'app')]).toEqual(['P', 'P', 'none'])
  })

  it('says 21 of a PMD mapping, and unmaps all of it', () => {
    const k = bootTest()
    const vpn = vpnOf(k, 'A')
    k.task('app').begins(userStore, { vpn, value: 1 }).finishes()
    expect(
      k
        .task('app')
        .begins(madviseHwpoison, { vpn: vpn + 5 })
        .finishes(),
    ).toBe(0)
    expect(k.task('app').row).toMatchObject({ si_addr: vpn + 5, si_addr_lsb: 21 })
    expect(k.kernel.ptes.in(1).runs()).toEqual([])
  })

  it('waits for a fault that has the entry locked', () => {
    const k = bootTest()
    k.task('app')
      .begins(userStore, { vpn: vpnOf(k, 'B'), value: 1 })
      .runTo('insert_pte')
    const shell = k.task('shell').begins(memory_failure, { pfn: PAGE, flags: 0 }).runs()
    expect(shell.reason).toBe('waits for the DAX entry of file page 1025, which app has locked')
    k.task('app').finishes()
    expect(shell.finishes()).toBe(0)
  })

  it('answers -EBUSY for a page of no file, -ENXIO for a device that goes, or for no memory at all', () => {
    const k = bootTest()
    const fail = (pfn: number) =>
      k.task('shell').begins(memory_failure, { pfn, flags: 0 }).finishes()
    expect(fail(P0 + 5)).toBe(-EBUSY)
    expect(lastLine(k)).toBe('recovery action for dax page: Failed')
    k.kernel.pgmaps.at(1).state = 'dying'
    expect(fail(P0)).toBe(-ENXIO)
    expect(lastLine(k)).toBe('memory outside kernel control')
    expect(fail(0x999999)).toBe(-ENXIO)
  })

  it('finds owners by the reverse map of XFS, and shuts down where metadata is lost', () => {
    const page = bootDax(true, { rmapbt: 'on' })
    const { k } = page
    expect(scrub(k, 'shell', P0 + 5)).toBe(0)
    expect(scrub(k, 'shell', PAGE)).toBe(0)
    expect([page.entry('A'), page.entry('B')]).toEqual(['none', 'none'])
    expect(signalOf(k, 'app')).toBe('BUS_MCEERR_AO 12')
    expect(scrub(k, 'shell', 0x60000)).toBe(-EUCLEAN)
    expect(k.kernel.superBlocks.at(1).shutdown).toBe('CORRUPT_ONDISK')
  })
})

describe('bad blocks of pmem', () => {
  const at = { inode: 1, pos: 1025 * 4096 }

  it.each([
    ['hwpoison', 'BUS_MCEERR_AR'],
    ['sigbus', 'BUS_ADRERR'],
  ])('fail faults (%s: %s) and reads, until whole pages are written', (daxPoison, code) => {
    const page = bootDax(true, { daxPoison })
    const { k } = page
    scrub(k, 'shell', PAGE, 1)
    page.touch('B')
    expect(k.task('other').row.si_code).toBe(code)
    const shell = k.task('shell')
    expect(shell.begins(daxRead, { ...at, length: 16, value: 0 }).finishes()).toBe(-EIO)
    expect(shell.begins(daxWrite, { ...at, length: 16, value: 0 }).finishes()).toBe(-EIO)
    expect(shell.begins(daxWrite, { ...at, length: 4096, value: 0x22 }).finishes()).toBe(4096)
    expect(k.kernel.badblocks.runs()).toEqual([])
    expect(hasFlag(k.kernel, PAGE, PG.hwpoison)).toBe(false)
    expect(shell.begins(daxRead, { ...at, length: 16, value: 0 }).finishes()).toBe(16)
    expect(page.touch('B')).toBe('0x22')
  })
})
