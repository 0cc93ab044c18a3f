import { describe, expect, it } from 'vitest'
import { bootMemory, type MemoryKernel, P } from '../../testing/memory-kernel'
import { type TestKernel, vpnOf } from '../../testing/test-kernel'
import { EBUSY, EHWPOISON } from '../include/errno'
import { memoryInvariants } from '../invariants/families/memory'
import { kernel_clone } from '../kernel/fork'
import { pin_user_pages_fast } from './gup'
import { injectPoison } from './hwpoison-inject'
import { madviseHwpoison, madviseSoftOffline } from './madvise-inject'
import { mapAnonymous } from './mmap'
import { userLoad, userStore } from './user-access'

const signalOf = (k: TestKernel, who: string): string => {
  const { signal, si_code, si_addr_lsb } = k.task(who).row
  return signal === 'none' ? 'none' : `${si_code} ${si_addr_lsb}`
}
const scrub = (k: TestKernel, who: string, pfn: number, recorded = 0): number =>
  k.task(who).begins(injectPoison, { pfn, found: 1, recorded }).finishes()
const logOf = (k: TestKernel): string[] => k.kernel.log.rows().map(({ line }) => line)
const lastLine = (k: TestKernel): string =>
  logOf(k)
    .at(-1)
    ?.replace(/^.*: 0x\w+: /, '') ?? ''
const lawful = (k: MemoryKernel) => {
  for (const law of memoryInvariants) expect(k.broken(law), law.name).toBeUndefined()
}

describe('a huge page', () => {
  const HUGE = { start: 0x40000, pages: 1024 }
  const bootHuge = () => {
    const k = bootMemory({ machine: { normal: HUGE } })
    k.task('parent').begins(mapAnonymous, { pages: 512, huge: 1, label: 'H' }).finishes()
    const vpn = vpnOf(k, 'H')
    k.task('parent').begins(userStore, { vpn, value: 0x11 }).finishes()
    return { k, vpn, head: k.kernel.ptes.in(1).at(vpn).pfn }
  }

  it('is split for two processes, so that one page is lost and 511 are not', () => {
    const { k, vpn, head } = bootHuge()
    k.task('parent').begins(kernel_clone, { name: 'child' }).finishes()
    expect(scrub(k, 'kswapd0', head + 5)).toBe(0)
    for (const who of ['parent', 'child']) {
      const ptes = k.kernel.ptes.in(k.mmOf(who))
      expect(ptes.at(vpn + 5).kind).toBe('hwpoison')
      expect(ptes.at(vpn + 6)).toMatchObject({ kind: 'leaf', pfn: head + 6 })
    }
    expect(k.kernel.folios.runs()).toEqual([])
    expect(k.kernel.pages.at(head)).toMatchObject({ refcount: 2, mapcount: 1 })
    expect(k.kernel.pages.at(head + 5)).toMatchObject({ refcount: 1, mapcount: -1 })
    lawful(k)
  })

  it('stays mapped where it is pinned: -EHWPOISON, and the signal says 21', () => {
    const { k, vpn, head } = bootHuge()
    const args = { start: vpn, pages: 1, write: 1, longterm: 0, force: 0 }
    k.task('parent').begins(pin_user_pages_fast, args).finishes()
    const before = k.kernel.pages.at(head).refcount
    expect(
      k
        .task('parent')
        .begins(madviseHwpoison, { vpn: vpn + 5 })
        .finishes(),
    ).toBe(-EHWPOISON)
    expect(signalOf(k, 'parent')).toBe('BUS_MCEERR_AR 21')
    expect(k.kernel.pages.at(head).refcount).toBe(before)
    expect(lastLine(k)).toBe('recovery action for unsplit thp: Failed')
    lawful(k)
  })

  it('is soft-offlined in part as well', () => {
    const { k, vpn, head } = bootHuge()
    expect(
      k
        .task('parent')
        .begins(madviseSoftOffline, { vpn: vpn + 5 })
        .finishes(),
    ).toBe(0)
    expect(k.kernel.ptes.in(1).at(vpn + 5).pfn).not.toBe(head + 5)
    expect(k.kernel.holders.at(head + 5).poison).toBe(1)
    lawful(k)
  })
})

describe('soft offlining', () => {
  it('moves the data, and signals nobody; a pinned page stays: -EBUSY', () => {
    const k = bootMemory()
    const advise = () => k.task('parent').begins(madviseSoftOffline, { vpn: k.vpn }).finishes()
    expect(advise()).toBe(0)
    expect(k.entry('parent')).toBe('Q RW')
    expect(k.kernel.pages.at(P).refcount).toBe(1)
    k.task('parent').begins(userLoad, { vpn: k.vpn, value: 0 }).finishes()
    expect(k.task('parent').row).toMatchObject({ value: 0x50, signal: 'none' })
    const args = { start: k.vpn, pages: 1, write: 1, longterm: 0, force: 0 }
    k.task('parent').begins(pin_user_pages_fast, args).finishes()
    expect(advise()).toBe(-EBUSY)
    expect(k.entry('parent')).toBe('Q RW')
    lawful(k)
  })
})
