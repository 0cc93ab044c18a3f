import { describe, expect, it } from 'vitest'
import { bootTest, P0, type TestKernel, vpnOf } from '../../testing/test-kernel'
import { daxRead, daxWrite } from '../fs/dax-rw'
import { EBUSY, EIO, ENXIO, EUCLEAN } from '../include/errno'
import { PG } from '../include/page-flags'
import { conservation } from '../invariants/conservation'
import { hasFlag } from './folio'
import { injectPoison } from './hwpoison-inject'
import { madviseHwpoison } from './madvise-inject'
import { memory_failure } from './memory-failure'
import { do_mmap } from './mmap'
import { userLoad, userStore } from './user-access'

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

/** File page 1025, which A maps at B and the other process at C, both with small entries. */
const PAGE = P0 + 1025

/** A (`app`) early-kill or not, B (`other`) late-kill; both have an entry of the page. */
function bootDax(early: boolean, policies: Readonly<Record<string, string>> = {}) {
  const k = bootTest(policies)
  k.task('other')
    .begins(do_mmap, { inode: 1, pages: 4, pgoff: 1025, label: 'C', private: 0 })
    .finishes()
  const vpn = { app: vpnOf(k, 'B'), other: vpnOf(k, 'C') }
  k.task('app').begins(userStore, { vpn: vpn.app, value: 0x11 }).finishes()
  k.task('other').begins(userLoad, { vpn: vpn.other, value: 0 }).finishes()
  if (early) k.task('app').row.mce_kill = 'early'
  const entry = (who: 'app' | 'other'): string => {
    const ptes = k.kernel.ptes.in(k.task(who).row.mm)
    return ptes.has(vpn[who]) ? `0x${ptes.at(vpn[who]).pfn.toString(16)}` : 'none'
  }
  const touch = (who: 'app' | 'other'): string => {
    k.task(who).begins(userLoad, { vpn: vpn[who], value: 0 }).finishes()
    const { signal, value } = k.task(who).row
    return signal === 'none' ? `0x${value.toString(16)}` : signalOf(k, who)
  }
  return { k, entry, touch, vpn }
}

describe('W27 on fs-dax', () => {
  it.each([
    ['recorded', 1, 'BUS_MCEERR_AR 12', 'none'],
    ['not recorded', 0, 'BUS_MCEERR_AR 12', '0x60801'],
  ] as const)(
    'd: B consumes it, the bad block %s: both unmapped, B AR, A AO',
    (_, recorded, later, mapped) => {
      const { k, entry, touch } = bootDax(true)
      goBad(k, 'shell', PAGE, recorded)
      expect(touch('other')).toBe('BUS_MCEERR_AR 12')
      expect([entry('app'), entry('other')]).toEqual(['none', 'none'])
      expect(signalOf(k, 'app')).toBe('BUS_MCEERR_AO 12')
      expect(hasFlag(k.kernel, PAGE, PG.hwpoison)).toBe(true)
      expect(k.kernel.daxEntries.in(1).at(1025)).toMatchObject({ pfn: PAGE, flags: 0 })
      expect(lastLine(k)).toBe('recovery action for dax page: Recovered')
      const other = k.task('other').begins(userLoad, { vpn: vpnOf(k, 'C'), value: 0 })
      if (recorded === 0) {
        other.runTo('machine_check')
        expect(entry('other')).toBe(mapped)
      }
      other.finishes()
      expect(signalOf(k, 'other')).toBe(later)
    },
  )

  it('d as recorded: by madvise the caller gets AR, the other is unmapped without a signal, and both read on', () => {
    const { k, entry, touch, vpn } = bootDax(false)
    expect(k.task('app').begins(madviseHwpoison, { vpn: vpn.app }).finishes()).toBe(0)
    expect([signalOf(k, 'app'), signalOf(k, 'other')]).toEqual(['BUS_MCEERR_AR 12', 'none'])
    expect([entry('app'), entry('other')]).toEqual(['none', 'none'])
    expect([touch('app'), touch('other')]).toEqual(['0x11', '0x11'])
    const args = { inode: 1, pos: 1025 * 4096, length: 4096, value: 0 }
    expect(k.task('shell').begins(daxWrite, args).finishes()).toBe(4096)
    expect(hasFlag(k.kernel, PAGE, PG.hwpoison)).toBe(true)
    expect(touch('app')).toBe('0x0')
    expect(k.broken(conservation)).toBeUndefined()
  })

  it('e: a scrub, neither is early: only the mark; the next load by B is case d', () => {
    const { k, entry, touch } = bootDax(false)
    expect(scrub(k, 'shell', PAGE)).toBe(0)
    expect([entry('app'), entry('other')]).toEqual(['0x60801', '0x60801'])
    expect([signalOf(k, 'app'), signalOf(k, 'other')]).toEqual(['none', 'none'])
    expect(hasFlag(k.kernel, PAGE, PG.hwpoison)).toBe(true)
    expect(touch('other')).toBe('BUS_MCEERR_AR 12')
    expect([entry('app'), entry('other')]).toEqual(['none', 'none'])
  })

  it.each([
    ['early', 'BUS_MCEERR_AO 12'],
    ['currentOnly', 'none'],
  ])('d by the collect rule %s: A, who asked for early kill, gets %s', (forcedKill, signal) => {
    const { k, entry, touch } = bootDax(true, { forcedKill })
    goBad(k, 'shell', PAGE)
    expect([touch('other'), signalOf(k, 'app')]).toEqual(['BUS_MCEERR_AR 12', signal])
    expect([entry('app'), entry('other')]).toEqual(['none', 'none'])
  })

  it('e up to 5.11, A early-kill: force means nobody but current, so a scrub unmaps nothing', () => {
    const { k, entry } = bootDax(true, { forcedKill: 'currentOnly' })
    expect(scrub(k, 'shell', PAGE)).toBe(0)
    expect([entry('app'), entry('other'), signalOf(k, 'app')]).toEqual([
      '0x60801',
      '0x60801',
      'none',
    ])
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
    const { k, entry } = bootDax(true, { rmapbt: 'on' })
    expect(scrub(k, 'shell', P0 + 5)).toBe(0)
    expect(scrub(k, 'shell', PAGE)).toBe(0)
    expect([entry('app'), entry('other')]).toEqual(['none', 'none'])
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
    const { k, touch } = bootDax(true, { daxPoison })
    scrub(k, 'shell', PAGE, 1)
    touch('other')
    expect(k.task('other').row.si_code).toBe(code)
    const shell = k.task('shell')
    expect(shell.begins(daxRead, { ...at, length: 16, value: 0 }).finishes()).toBe(-EIO)
    expect(shell.begins(daxWrite, { ...at, length: 16, value: 0 }).finishes()).toBe(-EIO)
    expect(shell.begins(daxWrite, { ...at, length: 4096, value: 0x22 }).finishes()).toBe(4096)
    expect(k.kernel.badblocks.runs()).toEqual([])
    expect(hasFlag(k.kernel, PAGE, PG.hwpoison)).toBe(false)
    expect(shell.begins(daxRead, { ...at, length: 16, value: 0 }).finishes()).toBe(16)
    expect(touch('other')).toBe('0x22')
  })
})
