import { describe, expect, it } from 'vitest'
import { bootMemory, type MemoryKernel, P, Q, sheet } from '../../testing/memory-kernel'
import { pteValue } from '../arch/x86/pgtable'
import { dmaRead } from '../drivers/dma/engine'
import { get_user_pages_fast, pin_user_pages_fast } from './gup'
import { isFolioLocked } from './locks'
import { userLoad, userStore } from './user-access'
import { shrink_folio_list } from './vmscan'

const reclaim = (k: MemoryKernel) => k.task('kswapd0').begins(shrink_folio_list, { pfn: P })
const gup = (k: MemoryKernel, who: string, operation: { readonly name: string }) =>
  k.task(who).begins(operation, { start: k.vpn, pages: 1, write: 1, longterm: 0, force: 0 })
const access = (k: MemoryKernel, operation: { readonly name: string }, value = 0) =>
  k.task('parent').begins(operation, { vpn: k.vpn, value })
const dmaSees = (k: MemoryKernel): number => {
  const device = k.task('mlx5_0')
  device.begins(dmaRead, { handle: 1, page: 0 }).finishes()
  return device.row.value
}
/** The slot of P: its one slot is the first. */
const slot = (k: MemoryKernel) => k.kernel.swapMap.at(1)

describe('W13: swap-out of a page with a FOLL_GET reference', () => {
  const held = (preset = 'v6.12') => {
    const k = bootMemory({ preset })
    gup(k, 'parent', get_user_pages_fast).finishes()
    return k
  }

  it('has the counters and holders of rows 0 to 6, the swap-out (6.12)', () => {
    const k = held()
    const row = sheet(k, P)
    row('2 / 0 EL (pte1 get1)')
    expect(k.entry('parent')).toBe('P RW')
    expect(k.pteBits('parent')).toContain('dirty')
    const kswapd = reclaim(k).runTo('lock')
    row('3 / 0 E (pte1 get1 iso1)')
    kswapd.runTo('unmap')
    row('4 / 0 EC (pte1 get1 iso1 sc1)')
    expect(isFolioLocked(k.kernel, P)).toBe(true)
    expect(slot(k)).toMatchObject({ has_cache: 1, count: 0, pfn: P })
    kswapd.runTo('share')
    row('4 / 0 EC (pte1 get1 iso1 sc1)')
    expect(slot(k)).toMatchObject({ has_cache: 1, count: 1 })
    expect([k.entry('parent'), k.kernel.ptls.in(1).runs().length]).toEqual(['none', 1])
    kswapd.runTo('remove_rmap')
    row('4 / 0 C (pte1 get1 iso1 sc1)')
    expect([k.entry('parent'), k.pteBits('parent').includes('swp_exclusive')]).toEqual([
      'swap',
      true,
    ])
    expect(pteValue(k.kernel.ptes.in(1).at(k.vpn)) & (1n << 3n)).toBe(1n << 3n)
    kswapd.runTo('unmap')
    row('3 / -1 C (get1 iso1 sc1)')
    kswapd.runTo('flush')
    row('3 / -1 C (get1 iso1 sc1)')
    expect(kswapd.finishes()).toBe(0)
    row('2 / -1 CL (get1 sc1)')
    expect([slot(k).written, isFolioLocked(k.kernel, P)]).toEqual([0, false])
  })

  it('has the counters and holders of rows 7 and 8, the swap-in (6.12)', () => {
    const k = held()
    const row = sheet(k, P)
    reclaim(k).finishes()
    const owner = access(k, userStore, 0x51).runTo('map')
    row('3 / -1 CL (get1 sc1 tmp1)')
    expect(isFolioLocked(k.kernel, P)).toBe(true)
    owner.runTo('after_pte')
    row('3 / 0 CLE (pte1 get1 sc1)')
    expect([k.entry('parent'), slot(k).count]).toEqual(['P RW', 0])
    owner.finishes()
    row('3 / 0 CLE (pte1 get1 sc1)')
    expect(dmaSees(k)).toBe(0x51)
  })

  /** A read fault maps P read-only, and the write after it is about to begin. */
  const readBack = (preset: string) => {
    const k = held(preset)
    reclaim(k).finishes()
    access(k, userLoad).finishes()
    sheet(k, P)('3 / 0 CL (pte1 get1 sc1)')
    expect(k.entry('parent')).toBe('P RO')
    return k
  }

  const eras = ['v5.9', 'v5.11', 'v5.13', 'v5.14']
  it.each(eras)('loses coherency by a read fault and then a write in %s (alt)', (preset) => {
    const k = readBack(preset)
    access(k, userStore, 0x51).runTo('copy')
    sheet(k, P)('4 / 0 CL (pte1 get1 sc1 tmp1)')
    k.task('parent').finishes()
    expect(k.entry('parent')).toBe('Q RW')
    sheet(k, Q)('2 / 0 (pte1 lru1)')
    expect(dmaSees(k)).toBe(0x50)
  })

  it.each(['v5.9', 'v5.11', 'v5.13', 'v5.14'])(
    'leaves the old page in the swap cache in %s (alt)',
    (preset) => {
      const k = readBack(preset)
      access(k, userStore, 0x51).finishes()
      sheet(k, P)('2 / -1 CL (sc1 get1)')
    },
  )
})

describe('W14: reclaim races with a FOLL_PIN (6.12)', () => {
  it('has the counters and holders of every row', () => {
    const k = bootMemory()
    const row = sheet(k, P)
    row('1 / 0 EL (pte1)')
    expect(k.entry('parent')).toBe('P RW')
    expect(k.pteBits('parent')).toContain('dirty')
    const kswapd = reclaim(k).runTo('add_to_swap')
    row('2 / 0 E (pte1 iso1)')
    kswapd.runTo('unmap')
    row('3 / 0 EC (pte1 iso1 sc1)')
    expect(gup(k, 'parent', pin_user_pages_fast).finishes()).toBe(1)
    row('1027 / 0 EC (pte1 iso1 sc1 pin1)')
    const second = gup(k, 'thread 2', pin_user_pages_fast).runTo('try_grab')
    kswapd.runTo('share')
    row('1027 / 0 EC (pte1 iso1 sc1 pin1)')
    expect([k.entry('parent'), slot(k).count]).toEqual(['none', 1])
    second.runTo('put_pgmap')
    expect(k.kernel.pinHandles.at(2).got).toBe(0)
    second.runTo('slow')
    row('1027 / 0 EC (pte1 iso1 sc1 pin1)')
    kswapd.runTo('flush')
    row('1027 / 0 EC (pte1 iso1 sc1 pin1)')
    expect([k.entry('parent'), slot(k).count]).toEqual(['P RW', 0])
    expect(kswapd.finishes()).toBe(0)
    row('1026 / 0 ECL (pte1 sc1 pin1)')
    expect(slot(k)).toMatchObject({ has_cache: 1, pfn: P })
    expect(isFolioLocked(k.kernel, P)).toBe(false)
  })
})
