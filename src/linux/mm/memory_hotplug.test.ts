import { describe, expect, it } from 'vitest'
import { seedPageAt } from '../../scenarios/cxl-machine'
import { run } from '../../scenarios/pmem-machine'
import { bootCxl, type CxlKernel } from '../../testing/cxl-kernel'
import { watch } from '../../testing/mutate'
import { state_store } from '../drivers/base/memory'
import { EBUSY, EINTR, EINVAL } from '../include/errno'
import { PG } from '../include/page-flags'
import { cxlInvariants } from '../invariants/families/cxl'
import { do_send_sig_info } from '../kernel/signal'
import { pin_user_pages_fast, unpin_user_pages } from './gup'
import { holdRun } from './holders'
import { remove_memory } from './memory_hotplug'
import { mapAnonymous } from './mmap'
import { userLoad } from './user-access'

const BLOCK = 146
const FIRST = BLOCK * 32_768
const p0 = FIRST
const p1 = FIRST + 1
const p2 = FIRST + 2

const vpnOf = (k: CxlKernel, label: string) =>
  k.kernel.vmas.find((vma) => vma.label === label)?.vm_start ?? 0
const pin = (k: CxlKernel, longterm: 0 | 1) =>
  k
    .task('A')
    .begins(pin_user_pages_fast, { start: vpnOf(k, 'p1'), pages: 1, write: 1, longterm, force: 0 })
const offline = (k: CxlKernel, block = BLOCK) =>
  k.task('root shell').begins(state_store, { block, state: 'offline' })
const where = (k: CxlKernel, label: string) => k.kernel.ptes.in(1).at(vpnOf(k, label)).pfn
const stateOf = (k: CxlKernel) => k.kernel.memoryBlocks.at(BLOCK).state
const refs = (k: CxlKernel, pfn: number) => k.kernel.pages.at(pfn).refcount

/** p0 and p1 in ZONE_MOVABLE. */
function bootCaseM(): CxlKernel {
  const k = bootCxl()
  seedPageAt(k.kernel, 'A', { pfn: p0, value: 0x50, label: 'p0' })
  seedPageAt(k.kernel, 'A', { pfn: p1, value: 0x51, label: 'p1' })
  return k
}

describe('W28: offlining block 146, case M: ZONE_MOVABLE, p1 with a transient pin', () => {
  it('has refs 1 and 1025 to begin with, moves p0, and tries p1 for as long as it is pinned', () => {
    const k = bootCaseM()
    const found = watch(k, cxlInvariants)
    pin(k, 0).finishes()
    expect([refs(k, p0), refs(k, p1)]).toEqual([1, 1025])
    const shell = offline(k).runTo('notify')
    expect(stateOf(k)).toBe('going_offline')
    expect(k.kernel.memoryBlocks.at(BLOCK).isolated).toBe(1)
    shell.runs()
    expect(where(k, 'p0')).not.toBe(p0)
    expect(k.kernel.freePages.has(p0)).toBe(true)
    expect(where(k, 'p1')).toBe(p1)
    expect(refs(k, p1)).toBe(1025)
    expect(shell.reason).toBe(
      'tries page 0x490001 again and again: _refcount 1025, expected 1; pinned by A',
    )
    expect(found).toEqual([])
    // 4a: unpin, refs 1, migrated, offline.
    k.task('A').begins(unpin_user_pages, { handle: 1 }).finishes()
    expect(refs(k, p1)).toBe(1)
    expect(shell.finishes()).toBe(0)
    expect(k.blocks).toBe('on on off on')
    expect(where(k, 'p1')).not.toBe(p1)
    expect([k.loads('A', userLoad, 'p0'), k.loads('A', userLoad, 'p1')]).toEqual([0x50, 0x51])
    expect(found).toEqual([])
  })

  it('4b: ends with -EINTR at a signal, and the block is online as before', () => {
    const k = bootCaseM()
    pin(k, 0).finishes()
    const before = k.kernel.zones.rows().map(({ start, end }) => [start, end])
    const shell = offline(k).runs()
    const free = k.kernel.freePages.runs(FIRST, FIRST + 32_768)
    expect(free.every(({ isolated }) => isolated === 1)).toBe(true)
    const target = k.task('root shell').id
    k.task('another shell').begins(do_send_sig_info, { target, signal: 'SIGINT' }).finishes()
    expect(shell.finishes()).toBe(-EINTR)
    expect(k.blocks).toBe('on on on on')
    const again = k.kernel.freePages.runs(FIRST, FIRST + 32_768)
    expect(again.every(({ isolated }) => isolated === 0)).toBe(true)
    expect(k.kernel.zones.rows().map(({ start, end }) => [start, end])).toEqual(before)
    expect(k.kernel.hotplug.at(1)).toMatchObject({ device_hotplug_lock: 0, lru_disable_count: 0 })
  })

  it('5: a long-term request on p1 moves it to another node first; the block goes offline', () => {
    const k = bootCaseM()
    expect(pin(k, 1).finishes()).toBe(1)
    expect(where(k, 'p1')).toBeLessThan(0x480000)
    expect(refs(k, where(k, 'p1'))).toBe(1025)
    expect(offline(k).finishes()).toBe(0)
    expect(k.blocks).toBe('on on off on')
  })

  it('up to 5.12 the long-term pin stays in ZONE_MOVABLE, and offline turns for ever (L4)', () => {
    const k = bootCxl({ policies: { longtermMovable: 'allow' } })
    seedPageAt(k.kernel, 'A', { pfn: p1, value: 0x51, label: 'p1' })
    pin(k, 1).finishes()
    expect(where(k, 'p1')).toBe(p1)
    expect(offline(k).runs().reason).toContain('tries page 0x490001 again and again')
  })
})

describe('W28: case K: ZONE_NORMAL, p2 is slab', () => {
  it('fails at once with -EBUSY, and the state is online', () => {
    const k = bootCxl({ machine: { region: 'online_kernel' } })
    const { pages, freePages } = k.kernel
    freePages.clear(p2, p2 + 1)
    pages.at(p2).refcount = 1
    holdRun(k.kernel, p2, p2 + 1, 'alloc', 1)
    expect(offline(k).finishes()).toBe(-EBUSY)
    expect(k.blocks).toBe('on on on on')
    expect(k.kernel.memoryBlocks.at(BLOCK).isolated).toBe(0)
  })

  it('fails at a reserved page in any zone', () => {
    const k = bootCxl()
    k.kernel.freePages.clear(p2, p2 + 1)
    k.kernel.pages.at(p2).flags |= PG.reserved
    expect(offline(k).finishes()).toBe(-EBUSY)
  })
})

describe('memory blocks', () => {
  it('do not change to the state that they have', () => {
    const k = bootCxl()
    const online = k.task('root shell').begins(state_store, { block: 144, state: 'online' })
    expect(online.finishes()).toBe(-EINVAL)
    offline(k, 144).finishes()
    expect(offline(k, 144).finishes()).toBe(-EINVAL)
    expect(k.blocks).toBe('off on on on')
  })

  it('give the zone what is online, in one stretch where they adjoin', () => {
    const k = bootCxl()
    const movable = () =>
      k.kernel.zones
        .rows()
        .filter(({ type }) => type === 'MOVABLE')
        .map(({ start, end }) => [start / 32_768, end / 32_768])
    expect(movable()).toEqual([[144, 148]])
    offline(k).finishes()
    expect(movable()).toEqual([
      [144, 146],
      [147, 148],
    ])
  })

  it('exclude each other while one is worked on', () => {
    const k = bootCaseM()
    pin(k, 0).finishes()
    offline(k).runs()
    const other = k.task('another shell').begins(state_store, { block: 145, state: 'offline' })
    expect(other.runs().reason).toBe('waits for device_hotplug_lock, which root shell holds')
  })

  it('cost what their runs cost: 131072 pages move in as many steps as one', () => {
    const steps = (pages: number): number => {
      const k = bootCxl()
      run(k.kernel, 'A', mapAnonymous, { pages, huge: 0, label: 'big' })
      fillWhole(k, pages)
      let count = 0
      for (const block of [147, 146, 145, 144]) {
        const shell = offline(k, block)
        for (; k.kernel.machine.canStep(shell.id); count++) shell.step()
        expect(shell.row.ret).toBe(0)
      }
      const moved = k.kernel.ptes.in(1).runs()
      expect(moved.reduce((sum, { length }) => sum + length, 0)).toBe(pages)
      expect(moved.every(({ pfn }) => pfn < 0x480000)).toBe(true)
      expect(k.broken(cxlInvariants[4] as (typeof cxlInvariants)[number])).toBeUndefined()
      return count
    }
    expect(steps(131_072)).toBe(4 * 21)
    expect(steps(4)).toBeLessThanOrEqual(4 * 21)
  })
})

/** Pages from 0x480000 on belong to the area `big`, as if each had been written. */
function fillWhole(k: CxlKernel, pages: number): void {
  const { kernel } = k
  const start = 0x480000
  seedPageAt(kernel, 'A', { pfn: start, value: 0, label: 'model' })
  const model = vpnOf(k, 'model')
  const vpn = vpnOf(k, 'big')
  const { flags } = kernel.ptes.in(1).at(model)
  const { anon_vma, mapping_flags, flags: pageFlags } = kernel.pages.at(start)
  kernel.ptes.in(1).clear(model, model + 1)
  kernel.freePages.clear(start, start + pages)
  kernel.pages.fill(start, start + pages, {
    anon_vma,
    mapping_flags,
    flags: pageFlags,
    mapcount: 0,
    refcount: 1,
    index: vpn,
  })
  kernel.ptes.in(1).fill(vpn, vpn + pages, { pfn: start, flags })
}

describe('remove_memory', () => {
  it('changes nothing while one block is not offline (7.3)', () => {
    const k = bootCxl()
    for (const block of [144, 145, 147]) offline(k, block).finishes()
    const size = 4 * 0x8000000
    const remove = k.task('root shell').begins(remove_memory, { start: 0x480000000, size })
    expect(remove.finishes()).toBe(-EBUSY)
    expect(k.blocks).toBe('off off on off')
    expect(k.underWindow).toBe('region0>dax0.0>System RAM (kmem)')
    expect(k.kernel.pages.covers(0x480000, 0x4a0000)).toBe(true)
  })
})
