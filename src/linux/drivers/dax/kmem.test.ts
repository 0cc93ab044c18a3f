import { describe, expect, it } from 'vitest'
import { seedPageAt } from '../../../scenarios/cxl-machine'
import { bootCxl, type CxlKernel } from '../../../testing/cxl-kernel'
import { watch } from '../../../testing/mutate'
import { proc_iomem } from '../../fs/proc/iomem'
import { EBUSY } from '../../include/errno'
import { IORESOURCE } from '../../include/ioport'
import { cxlInvariants } from '../../invariants/families/cxl'
import { pin_user_pages_fast, unpin_user_pages } from '../../mm/gup'
import { userLoad } from '../../mm/user-access'
import { state_store } from '../base/memory'
import { delete_region } from '../cxl/region'
import { create_region } from '../cxl/region-create'
import { dax_bus_remove, dev_dax_probe } from './bus'

const GIB_HALF = 0x20000000
const LOG =
  'kmem dax0.0: mapping0: 0x480000000-0x49fffffff cannot be hotremoved until the next reboot'

const shell = (k: CxlKernel) => k.task('root shell')
const offline = (k: CxlKernel, block: number) =>
  shell(k).begins(state_store, { block, state: 'offline' })
const log = (k: CxlKernel) => k.kernel.log.rows().map(({ line }) => line)
const create = (k: CxlKernel) =>
  shell(k).begins(create_region, { root: 1, ways: 2, granularity: 4096, size: GIB_HALF })

describe('kmem', () => {
  it('makes region0 > dax0.0 > System RAM (kmem), the claim not BUSY', () => {
    const k = bootCxl()
    expect(proc_iomem(k.kernel)).toContain(
      [
        '480000000-67fffffff : CXL Window 0',
        '  480000000-49fffffff : region0',
        '    480000000-49fffffff : dax0.0',
        '      480000000-49fffffff : System RAM (kmem)',
        '',
      ].join('\n'),
    )
    const claim = k.kernel.resources.rows().find(({ name }) => name === 'dax0.0')
    expect((claim?.flags ?? 0) & IORESOURCE.busy).toBe(0)
    expect((claim?.flags ?? 0) & IORESOURCE.sysram).not.toBe(0)
  })

  it('creates its blocks offline, with nothing to allocate', () => {
    const k = bootCxl({ machine: { region: 'offline' } })
    expect(k.blocks).toBe('off off off off')
    expect(k.kernel.pages.has(0x480000)).toBe(false)
  })
})

describe('W24: kmem remove fails, the range is leaked; block 146 could not be offlined', () => {
  it('has every state of the table', () => {
    const k = bootCxl()
    seedPageAt(k.kernel, 'A', { pfn: 146 * 32_768, value: 0x50 })
    const found = watch(k, cxlInvariants)
    const row = (blocks: string, under: string, driver: string) =>
      expect([k.blocks, k.underWindow, k.dax]).toEqual([blocks, under, driver])
    const healthy = 'region0>dax0.0>System RAM (kmem)'
    row('on on on on', healthy, 'kmem')
    // 1: 146 is pinned, so it stays online.
    const start = k.kernel.vmas.at(1).vm_start
    const pin = { start, pages: 1, write: 1, longterm: 0, force: 0 }
    k.task('A').begins(pin_user_pages_fast, pin).finishes()
    for (const block of [144, 145, 147]) expect(offline(k, block).finishes()).toBe(0)
    row('off off on off', healthy, 'kmem')
    // 2 and 3: -EBUSY inside, nothing removed; unbind completes all the same.
    const unbind = shell(k).begins(dax_bus_remove, { dax: 1 }).runTo('release')
    expect(k.kernel.machine.frames(unbind.id)[0]?.operation.name).toBe('dev_dax_kmem_remove')
    row('off off on off', healthy, 'kmem')
    expect(unbind.finishes()).toBe(0)
    row('off off on off', healthy, 'none')
    expect(log(k)).toContain(LOG)
    // 4: offlined by hand later: nobody calls remove_memory().
    k.task('A').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect(offline(k, 146).finishes()).toBe(0)
    row('off off off off', healthy, 'none')
    // 5: a bind finds the range claimed.
    expect(shell(k).begins(dev_dax_probe, { dax: 1, devdax: 0 }).finishes()).toBe(-EBUSY)
    row('off off off off', healthy, 'none')
    // 6: the region goes; what is left below it moves up.
    expect(shell(k).begins(delete_region, { region: 1 }).finishes()).toBe(0)
    expect(k.underWindow).toBe('dax0.0>System RAM (kmem)')
    expect(proc_iomem(k.kernel)).toContain(
      '  480000000-49fffffff : dax0.0\n    480000000-49fffffff : System RAM (kmem)\n',
    )
    // 7: the next region is above it.
    create(k).finishes()
    expect(k.underWindow).toBe('dax0.0>System RAM (kmem)+region1')
    const region = k.kernel.cxlRegions.find(({ name }) => name === 'region1')
    expect([region?.start, region?.size]).toEqual([0x4a0000000, GIB_HALF])
    expect(found).toEqual([])
  })
})

describe('kmem with all blocks offline', () => {
  it('removes the memory, and a bind succeeds again', () => {
    const k = bootCxl()
    for (const block of [147, 146, 145, 144]) offline(k, block).finishes()
    expect(shell(k).begins(dax_bus_remove, { dax: 1 }).finishes()).toBe(0)
    expect([k.blocks, k.underWindow, k.dax]).toEqual(['– – – –', 'region0', 'none'])
    expect(k.kernel.pages.has(0x480000)).toBe(false)
    expect(log(k)).not.toContain(LOG)
    expect(shell(k).begins(dev_dax_probe, { dax: 1, devdax: 0 }).finishes()).toBe(0)
    expect(k.underWindow).toBe('region0>dax0.0>System RAM (kmem)')
  })
})

describe('policy failMemory: the idea of the mail, which was never coded', () => {
  it('removes memory that is online and in use; the process gets SIGBUS when it looks', () => {
    const k = bootCxl({ policies: { kmemRemove: 'failMemory' } })
    seedPageAt(k.kernel, 'A', { pfn: 0x480500, value: 0x50 })
    const found = watch(k, cxlInvariants)
    expect(shell(k).begins(dax_bus_remove, { dax: 1 }).finishes()).toBe(0)
    expect([k.blocks, k.underWindow, k.dax]).toEqual(['– – – –', 'region0', 'none'])
    expect(log(k)).not.toContain(LOG)
    expect(found).toEqual([])
    k.loads('A', userLoad)
    const { signal, si_code } = k.task('A').row
    expect([signal, si_code]).toEqual(['SIGBUS', 'BUS_MCEERR_AR'])
    shell(k).begins(delete_region, { region: 1 }).finishes()
    create(k).finishes()
    expect(k.kernel.cxlRegions.find(() => true)?.start).toBe(0x480000000)
  })
})
