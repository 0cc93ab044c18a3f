import { describe, expect, it } from 'vitest'
import { seedPageAt, seedRegion } from '../../../scenarios/cxl-machine'
import { bootCxl, type CxlKernel } from '../../../testing/cxl-kernel'
import { watch } from '../../../testing/mutate'
import { PTE } from '../../arch/x86/pgtable'
import { EBUSY, ENXIO } from '../../include/errno'
import { cxlInvariants } from '../../invariants/families/cxl'
import { onlinePages } from '../../mm/memory_hotplug'
import { alloc_page } from '../../mm/page_alloc'
import { userLoad, userStore } from '../../mm/user-access'
import { dax_mmap } from '../dax/device'
import { cxlDisableRegion } from './disable'
import { pciehp_configure_device, pciehp_unconfigure_device, pullCable } from './hotplug'
import { commit_store, cxl_region_probe, delete_region } from './region'
import { create_region, cxl_region_attach } from './region-create'
import { cxl_region_decode_reset } from './region-program'

const BASE = 0x480000000
const SIZE = 0x20000000
const SECRET = 0x53
const TENANT2 = 0x7e
/** Page 0x500 of the region: position 0, so card mem0, device page 0x280. */
const PFN = 0x480500
const DPA_PAGE = 0x280
const region = { region: 1 }

const shell = (k: CxlKernel) => k.task('root shell')
const finishes = (k: CxlKernel, operation: { readonly name: string }, args: object) =>
  shell(k).begins(operation, args).finishes()
const decoders = ['decoder1.0', 'decoder2.0', 'decoder3.0', 'decoder4.0']
const claimed = (k: CxlKernel): number =>
  k.kernel.cxlRegions.rows().reduce((sum, { size }) => sum + size, 0) / 2 ** 20
/** Both cards are taken out and others put in; mem0 has a byte of another tenant at A’s page. */
function swapCards(k: CxlKernel): void {
  for (const memdev of [1, 2])
    if (k.kernel.cxlMemdevs.at(memdev).endpoint !== 0)
      k.task('pciehp').begins(pciehp_unconfigure_device, { memdev }).finishes()
  for (const memdev of [1, 2])
    k.task('pciehp')
      .begins(pciehp_configure_device, { memdev, page: DPA_PAGE, value: TENANT2 })
      .finishes()
}

describe('W25: managed CXL unplug, clean', () => {
  it('has every state of the table, and no property breaks', () => {
    const k = bootCxl()
    const found = watch(k, cxlInvariants)
    const row = (blocks: number | string, state: string, committed: boolean, dax: string) => {
      const online = onlinePages(k.kernel, BASE, SIZE) / 32_768
      const none = k.kernel.memoryBlocks.runs().length === 0
      expect([none ? '–' : online, k.state, k.committed, k.dax]).toEqual([
        blocks,
        state,
        committed ? decoders : [],
        dax,
      ])
    }
    row(4, 'COMMIT', true, 'kmem')
    expect(claimed(k)).toBe(512)
    // 1: 147, 146, 145, 144.
    const disable = shell(k).begins(cxlDisableRegion, { ...region, force: 0 })
    const order: string[] = [k.blocks]
    while (disable.next !== 'unbind') {
      disable.step()
      if (k.blocks !== order.at(-1) && !k.blocks.includes('going')) order.push(k.blocks)
    }
    expect(order).toEqual([
      'on on on on',
      'on on on off',
      'on on off off',
      'on off off off',
      'off off off off',
    ])
    row(0, 'COMMIT', true, 'kmem')
    // 2
    expect(disable.finishes()).toBe(0)
    row('–', 'COMMIT', true, 'gone')
    expect(k.underWindow).toBe('region0')
    // 3: the host bridge first.
    const commit = shell(k)
      .begins(commit_store, { ...region, commit: 0 })
      .runTo('unregister')
    row('–', 'RESET_PENDING', true, 'gone')
    commit.runTo('reset')
    const gone: string[] = []
    while (k.committed.length > 0) {
      const before = k.committed
      commit.step()
      gone.push(...before.filter((name) => !k.committed.includes(name)))
    }
    expect(gone).toEqual(['decoder1.0', 'decoder2.0', 'decoder4.0', 'decoder3.0'])
    expect(commit.finishes()).toBe(0)
    row('–', 'ACTIVE', false, 'gone')
    // 4
    expect(finishes(k, delete_region, region)).toBe(0)
    expect([claimed(k), k.underWindow, k.state]).toEqual([0, '', '–'])
    // 5
    swapCards(k)
    expect(k.kernel.cxlMemdevs.rows().map(({ gen }) => gen)).toEqual([2, 2])
    // 6: the same addresses, and nothing of generation 1 maps them.
    const made = seedRegion(k.kernel, 'root shell')
    const { name, start } = k.kernel.cxlRegions.at(made)
    expect([name, start]).toEqual(['region1', BASE])
    expect(found).toEqual([])
  })

  it('moves 131072 pages’ worth of blocks: four times 32768', () => {
    const k = bootCxl()
    expect(onlinePages(k.kernel, BASE, SIZE)).toBe(131_072)
  })
})

describe('W26: surprise removal under online kmem', () => {
  /** Block 144 is in ZONE_NORMAL here: row 5 wants a page table page from it. */
  const boot = (policies: Readonly<Record<string, string>> = {}) => {
    const k = bootCxl({ policies, machine: { region: 'online_kernel' } })
    seedPageAt(k.kernel, 'A', { pfn: PFN, value: SECRET })
    return k
  }
  const broken = (k: CxlKernel) =>
    cxlInvariants.filter((each) => k.broken(each) !== undefined).map(({ name }) => name)

  it('has every state of the table', () => {
    const k = boot()
    const { kernel } = k
    const row = (link: string, bridge: boolean, state: string) => {
      expect(kernel.cxlMemdevs.at(1).link).toBe(link)
      expect(k.committed.includes('decoder1.0')).toBe(bridge)
      expect(kernel.memoryBlocks.at(144).state).toBe(state)
    }
    row('up', true, 'online')
    expect([k.loads('A', userLoad), broken(k)]).toEqual([SECRET, []])
    // 1: the cable is pulled.
    k.task('pciehp').begins(pullCable, { memdev: 1 }).finishes()
    row('down', true, 'online')
    expect(k.loads('A', userLoad)).toBe(0xff)
    expect(k.kernel.fabricLoads.rows().map(({ answer }) => answer)).toEqual(['all_ones'])
    expect(broken(k)).toEqual(['noLoadFromNowhere', 'onlineMeansDecoded'])
    expect(k.broken(cxlInvariants[0] as never)).toBe(
      'A read all-ones from a link that is down at page 0x480500, and goes on',
    )
    // 2: pciehp.
    const pciehp = k.task('pciehp').begins(pciehp_unconfigure_device, { memdev: 1 })
    pciehp.step()
    expect(kernel.cxlMemdevs.at(1).disconnected).toBe(1)
    // 3: kill_region resets first; what is written to the card is lost.
    pciehp.runTo('detach')
    row('down', false, 'online')
    expect(k.committed).toEqual(['decoder3.0'])
    expect(k.kernel.cxlDecoders.find(({ name }) => name === 'decoder3.0')?.mode).toBe('dead')
    expect(kernel.cxlDecoders.find(({ name }) => name === 'decoder1.0')).toMatchObject({
      hpa_base: 0,
      size: 0,
    })
    expect([k.dax, kernel.cxlRegions.at(1).driver]).toEqual(['kmem', 'cxl_region'])
    k.loads('A', userLoad)
    expect(k.kernel.fabricLoads.rows().map(({ answer }) => answer)).toEqual(['decode_error'])
    expect(broken(k)).toContain('onlineMeansDecoded')
    // 4: kmem remove, -EBUSY, leak.
    expect(pciehp.finishes()).toBe(0)
    row('down', false, 'online')
    expect(kernel.log.rows().map(({ line }) => line)).toContain(
      'kmem dax0.0: mapping0: 0x480000000-0x49fffffff cannot be hotremoved until the next reboot',
    )
    expect([k.dax, k.blocks]).toEqual(['gone', 'on on on on'])
    expect(k.underWindow).toBe('region0>dax0.0>System RAM (kmem)')
    // 5: the allocator does not know. Ordinary memory is used up, and 0x480000 to 0x4805ff.
    const used = kernel.freePages.runs(0, 0x480600)
    for (const { start, end } of used) kernel.freePages.clear(start, end)
    expect(alloc_page(kernel, 'unmovable')).toBe(0x480600)
  })

  it('may be a machine check instead: hwpoison entry, SIGBUS with BUS_MCEERR_AR, and S8 holds', () => {
    const k = boot({ linkDown: 'machineCheck' })
    k.task('pciehp').begins(pullCable, { memdev: 1 }).finishes()
    const vpn = k.kernel.vmas.at(1).vm_start
    k.task('A').begins(userLoad, { vpn, value: 0, offset: 0 }).finishes()
    const { signal, si_code } = k.task('A').row
    expect([signal, si_code]).toEqual(['SIGBUS', 'BUS_MCEERR_AR'])
    expect(k.kernel.ptes.in(1).at(vpn)).toMatchObject({ kind: 'hwpoison', pfn: PFN })
    expect(broken(k)).toEqual(['onlineMeansDecoded'])
  })

  it('drops what is stored while the link is down', () => {
    const k = boot()
    k.task('pciehp').begins(pullCable, { memdev: 1 }).finishes()
    const vpn = k.kernel.vmas.at(1).vm_start
    k.task('A').begins(userStore, { vpn, value: 0x99, offset: 0 }).finishes()
    k.kernel.cxlMemdevs.at(1).link = 'up'
    expect(k.loads('A', userLoad)).toBe(SECRET)
  })

  it('leaks nothing as devdax: entries are zapped, SIGBUS, and the next region lands at 0x480000000', () => {
    const k = bootCxl({ machine: { region: 'devdax' } })
    const { kernel } = k
    const inode = kernel.inodes.find(({ name }) => name === '/dev/dax0.0')?.id
    const map = { inode, pages: 512, pgoff: 0x400, label: 'buf', private: 0 }
    k.task('A').begins(dax_mmap, map).finishes()
    const vpn = kernel.vmas.at(1).vm_start + 0x100
    const look = () => {
      k.task('A').begins(userLoad, { vpn, value: 0, offset: 0 }).finishes()
      return k.task('A').row.value
    }
    k.task('A').begins(userStore, { vpn, value: SECRET, offset: 0 }).finishes()
    expect([look(), kernel.ptes.in(1).at(vpn).pfn]).toEqual([SECRET, PFN])
    expect(k.underWindow).toBe('region0>dax0.0')
    k.task('pciehp').begins(pullCable, { memdev: 1 }).finishes()
    expect(look()).toBe(0xff)
    const pciehp = k.task('pciehp').begins(pciehp_unconfigure_device, { memdev: 1 })
    pciehp.runTo('unregister')
    expect([k.committed, look()]).toEqual([['decoder3.0'], 0xff])
    expect(k.kernel.fabricLoads.rows().map(({ answer }) => answer)).toEqual(['decode_error'])
    expect(pciehp.finishes()).toBe(0)
    expect(kernel.ptes.in(1).has(vpn)).toBe(false)
    look()
    expect([k.task('A').row.signal, k.task('A').row.si_code]).toEqual(['SIGBUS', 'BUS_ADRERR'])
    expect(k.underWindow).toBe('region0')
    expect(finishes(k, delete_region, region)).toBe(0)
    swapCards(k)
    expect(kernel.cxlRegions.at(seedRegion(kernel, 'root shell')).start).toBe(BASE)
  })
})

describe('a card that was replaced', () => {
  it('shows its own bytes at the same page to an entry that survived', () => {
    const k = bootCxl({ machine: { region: 'devdax' } })
    const { kernel } = k
    const vpn = 0x7f0000000
    kernel.contents.fill(PFN, PFN + 1, { value: SECRET })
    const stale = () => kernel.ptes.in(1).fill(vpn, vpn + 1, { pfn: PFN, flags: PTE.present })
    stale()
    finishes(k, commit_store, { ...region, commit: 0 })
    expect(kernel.cxlMedia.in(1).at(DPA_PAGE).value).toBe(SECRET)
    finishes(k, delete_region, region)
    swapCards(k)
    seedRegion(kernel, 'root shell')
    stale()
    k.task('A').begins(userLoad, { vpn, value: 0, offset: 0 }).finishes()
    expect(k.task('A').row.value).toBe(TENANT2)
  })

  it('keeps its bytes over a reset and a commit, where it is the same card', () => {
    const k = bootCxl({ machine: { region: 'devdax' } })
    k.kernel.contents.fill(PFN, PFN + 1, { value: SECRET })
    finishes(k, commit_store, { ...region, commit: 0 })
    expect(k.kernel.contents.has(PFN)).toBe(false)
    finishes(k, commit_store, { ...region, commit: 1 })
    expect(k.kernel.contents.at(PFN).value).toBe(SECRET)
  })

  it('lands elsewhere while kmem has leaked its addresses', () => {
    const k = bootCxl()
    k.task('pciehp').begins(pullCable, { memdev: 1 }).finishes()
    k.task('pciehp').begins(pciehp_unconfigure_device, { memdev: 1 }).finishes()
    finishes(k, delete_region, region)
    swapCards(k)
    const made = seedRegion(k.kernel, 'root shell')
    expect(k.kernel.cxlRegions.at(made).start).toBe(0x4a0000000)
  })
})

describe('the state machine of a region (6.2)', () => {
  it('goes from no size over INTERLEAVE_ACTIVE and ACTIVE to COMMIT, and is bound then', () => {
    const k = bootCxl({ machine: { region: 'none' } })
    const wanted = { root: 1, ways: 2, granularity: 4096, size: SIZE }
    const create = shell(k).begins(create_region, wanted)
    create.step()
    expect(k.state).toBe('IDLE')
    expect(create.finishes()).toBe(1)
    expect(k.state).toBe('INTERLEAVE_ACTIVE')
    expect(finishes(k, commit_store, { ...region, commit: 1 })).toBe(-ENXIO)
    const attach = (memdev: number, pos: number) =>
      finishes(k, cxl_region_attach, { ...region, memdev, pos })
    expect(attach(1, 2)).toBe(-ENXIO)
    expect(attach(1, 0)).toBe(0)
    expect(attach(2, 0)).toBe(-EBUSY)
    expect(attach(2, 1)).toBe(0)
    expect(k.state).toBe('ACTIVE')
    expect(finishes(k, cxl_region_probe, { ...region, devdax: 0 })).toBe(-ENXIO)
    const commit = shell(k).begins(commit_store, { ...region, commit: 1 })
    const seen: number[] = []
    const order: string[] = []
    while (!k.kernel.machine.isIdle(commit.id)) {
      commit.step()
      if (k.committed.length > seen.length) {
        seen.push(k.committed.length)
        order.push(k.committed.find((name) => !order.includes(name)) ?? '')
      }
    }
    expect(order).toEqual(['decoder3.0', 'decoder2.0', 'decoder1.0', 'decoder4.0'])
    expect(k.state).toBe('COMMIT')
    expect(finishes(k, cxl_region_probe, { ...region, devdax: 0 })).toBe(0)
    expect(k.dax).toBe('kmem')
  })

  it('does not commit a decoder before the ones with lower numbers: -EBUSY, and all is reset', () => {
    const k = bootCxl({ machine: { region: 'none' } })
    k.kernel.cxlMemdevs.rows().forEach((memdev) => {
      memdev.ram_size *= 2
    })
    for (const id of [1, 2]) {
      finishes(k, create_region, { root: 1, ways: 2, granularity: 4096, size: SIZE })
      for (const memdev of [1, 2])
        finishes(k, cxl_region_attach, { region: id, memdev, pos: memdev - 1 })
    }
    expect(finishes(k, commit_store, { region: 2, commit: 1 })).toBe(-EBUSY)
    expect(k.committed).toEqual([])
    expect(finishes(k, commit_store, { region: 1, commit: 1 })).toBe(0)
    expect(finishes(k, commit_store, { region: 2, commit: 1 })).toBe(0)
    expect(k.kernel.cxlPorts.find(({ name }) => name === 'port1')?.commit_end).toBe(1)
    // Out of order, only the top is reaped.
    finishes(k, cxl_region_decode_reset, { region: 1 })
    expect(k.kernel.cxlPorts.find(({ name }) => name === 'port1')?.commit_end).toBe(1)
    finishes(k, cxl_region_decode_reset, { region: 2 })
    expect(k.kernel.cxlPorts.find(({ name }) => name === 'port1')?.commit_end).toBe(-1)
  })
})
