import { describe, expect, it } from 'vitest'
import { bootIomem, type IomemKernel, node } from '../../testing/iomem-kernel'
import { proc_iomem } from '../fs/proc/iomem'
import { catIomem } from '../fs/proc/iomem-read'
import { IORESOURCE } from '../include/ioport'
import { __request_region, release_region } from './resource'
import {
  IOMEM_RESOURCE,
  insertResource,
  release_resource,
  removeResource,
  request_resource,
} from './resource-tree'

const MEM = IORESOURCE.mem
const BUSY = IORESOURCE.mem | IORESOURCE.busy

describe('W1: tree baseline', () => {
  const boot = () => {
    const bar = node('0000:00:03.0', 0xfe000000, 0xfe0fffff, MEM)
    const k = bootIomem('v6.12', [node('PCI Bus 0000:00', 0xe0000000, 0xfebfffff, MEM, [bar])])
    return { k, claimed: k.claim('D', 0xfe000000, 0xfe0fffff, 'e1000e') }
  }
  const parentOf = ({ kernel }: IomemKernel, name: string) =>
    kernel.resources.at(kernel.resources.find((each) => each.name === name)?.parent ?? 0).name

  it('links e1000e below the BAR, BUSY, and runs the revocation', () => {
    const k = bootIomem('v6.12', [
      node('PCI Bus 0000:00', 0xe0000000, 0xfebfffff, MEM, [
        node('0000:00:03.0', 0xfe000000, 0xfe0fffff, MEM),
      ]),
    ])
    const claim = k.claims('D', 0xfe000000, 0xfe0fffff, 'e1000e').runTo('begin')
    expect(parentOf(k, 'e1000e')).toBe('0000:00:03.0')
    expect(k.flags(k.resource('e1000e'))).toBe('80000200')
    expect(claim.finishes()).toBe(k.resource('e1000e'))
  })

  it('descends root → bus → BAR, as the parent of the attempt shows', () => {
    const { k } = boot()
    const parents: (string | undefined)[] = []
    const task = k.claims('D', 0xfe000000, 0xfe0fffff, 'vfio-pci').runTo('try')
    for (; task.next === 'try'; task.step()) {
      const parent = k.kernel.machine.frames(task.id)[0]?.locals['parent']
      parents.push(k.kernel.resources.at(Number(parent)).name)
    }
    expect(parents).toEqual(['PCI mem', 'PCI Bus 0000:00', '0000:00:03.0'])
    expect(task.finishes()).toBe(0)
  })

  it('refuses vfio-pci the same range, and leaves the tree as it was', () => {
    const { k, claimed } = boot()
    expect(claimed).toBe('80000200')
    const before = proc_iomem(k.kernel)
    expect(k.claim('D', 0xfe000000, 0xfe0fffff, 'vfio-pci')).toBe('-EBUSY')
    expect(proc_iomem(k.kernel)).toBe(before)
  })

  it('refuses a range that leaves the BAR', () => {
    const bar = node('0000:00:03.0', 0xfe000000, 0xfe0fffff, MEM)
    const k = bootIomem('v6.12', [node('PCI Bus 0000:00', 0xe0000000, 0xfebfffff, MEM, [bar])])
    expect(k.claim('D', 0xfe0ff000, 0xfe100fff, 'across')).toBe('-EBUSY')
  })

  it('lets Reserved become the parent of what is BUSY inside it, and refuses a partial overlap', () => {
    const { k } = boot()
    expect(k.insert('tpm_tis', 0xfed40000, 0xfed44fff, BUSY)).toBe(true)
    expect(k.insert('Reserved', 0xfed20000, 0xfed7ffff)).toBe(true)
    expect(parentOf(k, 'tpm_tis')).toBe('Reserved')
    expect(k.insert('across', 0xfed44000, 0xfed9ffff)).toBe(false)
    expect(k.brokenNames).toEqual([])
  })

  it('releases nothing where the range is not exact, and warns', () => {
    const { k } = boot()
    const before = proc_iomem(k.kernel)
    k.release('D', 0xfe000000, 0xfe07ffff)
    expect(proc_iomem(k.kernel)).toBe(before)
    expect(k.kernel.log.rows().at(-1)?.line).toBe(
      'Trying to free nonexistent resource <fe000000-fe07ffff>',
    )
  })
})

describe('W2: the lost wake-up of muxed regions', () => {
  const MUXED = IORESOURCE.muxed
  const boot = (muxOrder: string) => {
    const k = bootIomem('v6.12', [], { policies: { muxOrder } })
    const parent = k.kernel.globals.ioport_resource
    const wants = { parent, start: 0x2e, end: 0x2f, name: 'superio', flags: MUXED }
    const held = k.task('D').begins(__request_region, wants).finishes()
    expect(k.flags(held)).toBe('80400100')
    return { k, B: k.task('D2').begins(__request_region, wants) }
  }
  const state = (k: IomemKernel) => {
    const waiter = k.kernel.muxedWaiters.find(({ task }) => task === k.task('D2').id)
    const isThere = k.kernel.resources.at(k.kernel.globals.ioport_resource).child !== 0
    const sleeps = waiter?.asleep === 1
    return [
      waiter === undefined ? '' : 'B',
      sleeps ? 'asleep' : (waiter?.state ?? ''),
      isThere ? 'A' : '–',
    ]
  }
  const release = (k: IomemKernel) => k.task('D').begins(release_region, { start: 0x2e, end: 0x2f })

  it('6.1: A wakes B, which is running; then B goes to sleep for ever', () => {
    const { k, B } = boot('buggy')
    B.runTo('unlock_to_wait')
    expect(state(k)).toEqual(['B', 'TASK_RUNNING', 'A'])
    B.runTo('set_state')
    expect(state(k)).toEqual(['B', 'TASK_RUNNING', 'A'])
    const A = release(k).runTo('wake')
    expect(state(k)).toEqual(['B', 'TASK_RUNNING', '–'])
    A.finishes()
    expect(state(k)).toEqual(['B', 'TASK_RUNNING', '–'])
    B.runs()
    expect(state(k)).toEqual(['B', 'asleep', '–'])
    expect(B.reason).toContain('sleeps in muxed_resource_wait')
    expect(k.brokenNames).toEqual(['noLostWaiter'])
  })

  it('some other muxed release wakes it after all', () => {
    const { k, B } = boot('buggy')
    B.runTo('set_state')
    release(k).finishes()
    B.runs()
    const parent = k.kernel.globals.ioport_resource
    const other = { parent, start: 0x60, end: 0x64, name: 'other', flags: MUXED }
    k.task('D').begins(__request_region, other).finishes()
    k.task('D').begins(release_region, { start: 0x60, end: 0x64 }).finishes()
    expect(B.finishes()).toBeGreaterThan(0)
  })

  it.each(['set_state', 'unlock_to_wait', 'schedule'])(
    '6.12: B has the region whenever A releases it; here B is at %s',
    (at) => {
      const { k, B } = boot('fixed')
      B.runTo(at)
      release(k).runs()
      B.runs()
      k.task('D').runs()
      expect(B.finishes()).toBeGreaterThan(0)
      expect(state(k)).toEqual(['', '', 'A'])
      expect(k.brokenNames).toEqual([])
    },
  )

  it('RQ7: who was woken goes on at the same parent, even if that is gone', () => {
    const k = bootIomem('v6.12', [node('bus', 0x10000000, 0x1fffffff, MEM)])
    k.claim('D', 0x10000000, 0x10000fff, 'A', MUXED)
    const B = k.claims('D2', 0x10000000, 0x10000fff, 'B', MUXED).runs()
    k.release('D', 0x10000000, 0x10000fff)
    const { resources } = k.kernel
    release_resource(k.kernel, resources.at(k.resource('bus')))
    resources.free(k.resource('bus'))
    expect(B.finishes()).toBe(0)
    expect(k.kernel.log.rows().at(-1)?.line).toContain('slab-use-after-free')
  })
})

describe('W3: a torn /proc/iomem', () => {
  const boot = () =>
    bootIomem('v6.12', [
      node('a', 0x1000, 0x1fff, MEM),
      node('b', 0x2000, 0x2fff, MEM),
      node('c', 0x3000, 0x3fff, MEM),
    ])
  const drop = (k: IomemKernel, name: string) =>
    release_resource(k.kernel, k.kernel.resources.at(k.resource(name)))
  const listing = (k: IomemKernel) => {
    const { index, text } = k.kernel.iomemListings.at(1)
    return [index, [...text.matchAll(/: (.)/g)].map(([, name]) => name).join(' ')]
  }

  it('misses c, where a goes between two reads', () => {
    const k = boot()
    const reader = k.task('D').begins(catIomem, { lines: 2 }).runTo('r_stop').step()
    expect(listing(k)).toEqual([2, 'a b'])
    drop(k, 'a')
    expect(listing(k)).toEqual([2, 'a b'])
    reader.finishes()
    expect(listing(k)).toEqual([2, 'a b'])
    expect(k.brokenNames).toEqual(['listingIsOneTree'])
  })

  it('shows b twice, where a node comes before a between two reads', () => {
    const k = boot()
    const reader = k.task('D').begins(catIomem, { lines: 2 }).runTo('r_stop').step()
    k.insert('z', 0x0, 0xfff)
    reader.finishes()
    expect(listing(k)).toEqual([4, 'a b b c'])
    expect(k.brokenNames).toEqual(['listingIsOneTree'])
  })

  it('is whole where one buffer takes it all', () => {
    const k = boot()
    k.task('D').begins(catIomem, { lines: 100 }).finishes()
    expect(listing(k)).toEqual([3, 'a b c'])
    expect(k.kernel.iomemListings.at(1).text).toBe(proc_iomem(k.kernel))
    expect(k.brokenNames).toEqual([])
  })

  it('keeps a claim spinning while a buffer is filled', () => {
    const k = boot()
    k.task('D2').begins(catIomem, { lines: 2 }).runTo('r_stop')
    const claim = k.claims('D', 0x4000, 0x4fff).runs()
    expect(claim.reason).toBe('spins on resource_lock, which a reader has for reading')
    k.task('D2').step()
    expect(claim.finishes()).toBeGreaterThan(0)
  })

  it('shows names and nesting alone to whoever opened it without CAP_SYS_ADMIN', () => {
    const bus = node('PCI Bus 0000:00', 0xe0000000, 0xe0ffffff, MEM, [
      node('bar', 0xe0000000, 0xe0000fff, MEM),
    ])
    const k = bootIomem('v6.12', [bus], { users: [{ comm: 'T', pid: 1, isRoot: false }] })
    k.task('T').begins(catIomem, { lines: 9 }).finishes()
    expect(k.kernel.iomemListings.at(1).text).toBe(
      '00000000-00000000 : PCI Bus 0000:00\n  00000000-00000000 : bar\n',
    )
    expect(k.brokenNames).toEqual([])
  })
})

describe('W21: release of a claim that has children', () => {
  it('leaves the child with a freed parent; another driver gets its range', () => {
    const k = bootIomem('v6.12', [])
    const { resources } = k.kernel
    k.claim('D', 0x90000000, 0x9000ffff, 'hub')
    const hub = resources.at(k.resource('hub'))
    const sub = resources.make({ name: 'sub', start: 0x90001000, end: 0x90001fff, flags: BUSY })
    expect(request_resource(k.kernel, hub, sub)).toBe(0)
    expect(proc_iomem(k.kernel)).toBe('90000000-9000ffff : hub\n  90001000-90001fff : sub\n')
    k.release('D', 0x90000000, 0x9000ffff)
    expect(proc_iomem(k.kernel)).toBe('')
    expect(resources.isLive(sub.parent)).toBe(false)
    expect(k.brokenNames).toEqual(['resourceTreeIsWhole'])
    expect(release_resource(k.kernel, sub)).toBe(-22)
    expect(k.kernel.log.rows().at(-1)?.line).toBe(
      'BUG: KASAN: slab-use-after-free in __release_resource',
    )
    expect(k.claim('D2', 0x90001000, 0x90001fff, 'another')).toBe('80000200')
    expect(k.brokenNames).toEqual(['resourceTreeIsWhole'])
  })

  it('remove_resource() would have moved it up', () => {
    const k = bootIomem('v6.12', [])
    const { resources } = k.kernel
    const root = resources.at(IOMEM_RESOURCE)
    for (const [name, start, end] of [
      ['hub', 0x90000000, 0x9000ffff],
      ['sub', 0x90001000, 0x90001fff],
    ] as const)
      insertResource(k.kernel, root, resources.make({ name, start, end, flags: MEM }))
    expect(proc_iomem(k.kernel)).toContain('  90001000-90001fff : sub')
    removeResource(k.kernel, resources.at(k.resource('hub')))
    expect(proc_iomem(k.kernel)).toBe('90001000-90001fff : sub\n')
    expect(k.brokenNames).toEqual([])
  })
})
