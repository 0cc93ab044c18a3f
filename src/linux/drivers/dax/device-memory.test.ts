import { describe, expect, it } from 'vitest'
import { bootDevice, P3, type RemovalKernel } from '../../../testing/removal-kernel'
import { EBUSY } from '../../include/errno'
import { PG } from '../../include/page-flags'
import { memory_failure } from '../../mm/memory-failure'
import { folio_put } from '../../mm/swap'
import { userLoad } from '../../mm/user-access'
import { dev_dax_remove } from './device'

const fail = (k: RemovalKernel, pfn: number) =>
  k.task('R').begins(memory_failure, { pfn, flags: 0 }).finishes()
const HEAD = P3 - 3

describe('memory_failure() of a page of a DAX device', () => {
  it('is -EBUSY until somebody has mapped the page: nothing says which node it is part of', () => {
    const k = bootDevice('v6.12')
    expect(k.kernel.pages.at(P3).mapping).toBe(0)
    expect([fail(k, P3), k.isPoisoned(P3)]).toEqual([-EBUSY, false])
    expect(k.logLines.at(-1)).toBe('Memory failure: 0x480203: recovery action for dax page: Failed')
    k.load('A', userLoad)
    expect(k.kernel.pages.at(P3)).toMatchObject({ mapping: 1, index: 3 })
    expect([fail(k, P3), k.isPoisoned(P3)]).toEqual([0, true])
  })

  it('unmaps it from everybody if somebody asked for early kill; a refault maps the poison again', () => {
    const k = bootDevice('v6.12')
    k.load('A', userLoad)
    k.task('A').row.mce_kill = 'early'
    fail(k, P3)
    expect([k.pte('A'), k.signal('A')]).toEqual(['none', 'BUS_MCEERR_AO 12'])
    expect([k.load('A', userLoad), k.pte('A')]).toEqual(['0x0', 'P3 rw'])
  })

  it('marks the head of a folio of 2 MiB, and says 21', () => {
    const k = bootDevice('v6.12', { align: 512 })
    k.load('A', userLoad)
    k.task('A').row.mce_kill = 'early'
    expect(fail(k, P3)).toBe(0)
    expect([k.isPoisoned(HEAD), k.isPoisoned(P3)]).toEqual([true, false])
    expect([k.pte('A'), k.signal('A')]).toEqual(['none', 'BUS_MCEERR_AO 21'])
  })

  it('forgets the node with the memory map', () => {
    const k = bootDevice('v6.12')
    k.load('A', userLoad)
    k.task('R').begins(dev_dax_remove, { device: 1 }).finishes()
    expect(k.kernel.pages.has(P3)).toBe(false)
  })
})

describe('entries of a DAX device', () => {
  const counts = (k: RemovalKernel, pfn: number) => [
    k.ref(pfn),
    k.kernel.pages.at(pfn).mapcount,
    k.kernel.folios.has(pfn) ? k.kernel.folios.at(pfn).large_mapcount : '–',
  ]

  it.each([
    ['v6.12', 1, [1, -1, '–'], [1, -1, '–']],
    ['v6.15', 1, [2, 0, '–'], [1, -1, '–']],
    ['v6.12', 512, [1, -1, -1], [1, -1, -1]],
    ['v6.15', 512, [2, -1, 0], [1, -1, -1]],
  ] as const)('count in the page from 6.15 on: %s, %i pages', (preset, align, mapped, idle) => {
    const k = bootDevice(preset, { align })
    k.load('A', userLoad)
    const pfn = align === 1 ? P3 : HEAD
    expect(counts(k, pfn)).toEqual(mapped)
    k.task('R').begins(dev_dax_remove, { device: 1 }).runTo('cdev_del')
    expect([k.pte('A'), counts(k, pfn)]).toEqual(['none', idle])
  })

  it('leave a page that falls to 0 at 1 again (free_zone_device_folio, 6.15)', () => {
    const k = bootDevice('v6.15')
    folio_put(k.kernel, P3)
    expect(k.ref(P3)).toBe(1)
    expect(k.kernel.pages.at(P3).flags & PG.reserved).not.toBe(0)
  })
})
