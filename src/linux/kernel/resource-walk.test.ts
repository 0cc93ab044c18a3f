import { describe, expect, it } from 'vitest'
import { flagsValue } from '../../arena'
import { bootIomem, type IomemKernel, node } from '../../testing/iomem-kernel'
import { devmem_is_allowed, highMemory } from '../arch/x86/mm/init'
import { proc_iomem } from '../fs/proc/iomem'
import { IORESOURCE } from '../include/ioport'
import {
  adjust_resource,
  allocate_resource,
  find_resource_space,
  reserve_region_with_split,
} from './resource-adjust'
import { IOMEM_RESOURCE, insert_resource_expand_to_fit, release_resource } from './resource-tree'
import {
  find_next_iomem_res,
  iomem_is_exclusive,
  region_intersects,
  SYSTEM_RAM,
} from './resource-walk'

const MEM = IORESOURCE.mem
const RAM = 0x81000200
const EXCLUSIVE_RAM = 0x09000200

const rootOf = (k: IomemKernel) => k.kernel.resources.at(IOMEM_RESOURCE)
const nodeOf = (k: IomemKernel, name: string) => k.kernel.resources.at(k.resource(name))

describe('IORESOURCE_*', () => {
  it.each([
    ['io', 0x100n],
    ['mem', 0x200n],
    ['irq', 0x400n],
    ['dma', 0x800n],
    ['bus', 0x1000n],
    ['prefetch', 0x2000n],
    ['readonly', 0x4000n],
    ['cacheable', 0x8000n],
    ['rangelength', 0x10000n],
    ['shadowable', 0x20000n],
    ['sizealign', 0x40000n],
    ['startalign', 0x80000n],
    ['mem64', 0x100000n],
    ['window', 0x200000n],
    ['muxed', 0x400000n],
    ['sysram', 0x1000000n],
    ['sysram_driver_managed', 0x2000000n],
    ['sysram_mergeable', 0x4000000n],
    ['exclusive', 0x8000000n],
    ['disabled', 0x10000000n],
    ['unset', 0x20000000n],
    ['auto', 0x40000000n],
    ['busy', 0x80000000n],
  ] as const)('%s is 0x%x', (name, value) => {
    expect(flagsValue(IORESOURCE, IORESOURCE[name])).toBe(value)
  })
})

describe('other operations of the tree', () => {
  const boot = () =>
    bootIomem('v6.12', [
      node('a', 0x1000, 0x1fff, MEM),
      node('b', 0x4000, 0x7fff, MEM, [node('in b', 0x5000, 0x5fff, MEM)]),
      node('c', 0x9000, 0x9fff, MEM),
    ])

  it('adjust_resource() stays inside the parent, off the neighbours, and around the children', () => {
    const k = boot()
    const adjust = (name: string, start: number, size: number) =>
      adjust_resource(k.kernel, nodeOf(k, name), start, size)
    expect(adjust('b', 0x1800, 0x4000)).toBe(-16)
    expect(adjust('b', 0x4000, 0x6000)).toBe(-16)
    expect(adjust('b', 0x5800, 0x1000)).toBe(-16)
    expect(adjust('in b', 0x3000, 0x1000)).toBe(-16)
    expect(adjust('b', 0x3000, 0x6000)).toBe(0)
    expect(proc_iomem(k.kernel)).toContain('00003000-00008fff : b')
    expect(k.brokenNames).toEqual([])
  })

  it('adjust_resource() of a node without a parent minds its children alone', () => {
    const k = boot()
    const b = nodeOf(k, 'b')
    expect(release_resource(k.kernel, b)).toBe(0)
    expect(adjust_resource(k.kernel, b, 0x1000, 0x8000)).toBe(0)
    expect(adjust_resource(k.kernel, b, 0x1000, 0x1000)).toBe(-16)
  })

  it('insert_resource_expand_to_fit() widens until it covers what it overlaps, and says so', () => {
    const k = boot()
    const { resources } = k.kernel
    const wide = resources.make({ name: 'wide', start: 0x6000, end: 0x8fff, flags: MEM })
    insert_resource_expand_to_fit(k.kernel, rootOf(k), wide)
    expect(proc_iomem(k.kernel)).toContain('00004000-00008fff : wide\n  00004000-00007fff : b')
    expect(k.kernel.log.rows().at(-1)?.line).toBe('Expanded resource wide due to conflict with b')
    expect(k.brokenNames).toEqual([])
  })

  it('reserve_region_with_split() takes what is free, and gives up what is covered', () => {
    const k = boot()
    reserve_region_with_split(k.kernel, rootOf(k), { start: 0x0, end: 0xafff }, 'res')
    expect(proc_iomem(k.kernel).split('\n')).toEqual([
      '00000000-00000fff : res',
      '00001000-00001fff : a',
      '00002000-00003fff : res',
      '00004000-00007fff : b',
      '  00005000-00005fff : in b',
      '00008000-00008fff : res',
      '00009000-00009fff : c',
      '0000a000-0000afff : res',
      '',
    ])
    expect(k.flags(k.resource('res'))).toBe('80000200')
    const before = k.kernel.resources.rows().length
    reserve_region_with_split(k.kernel, rootOf(k), { start: 0x4800, end: 0x5fff }, 'none')
    expect(k.kernel.resources.rows()).toHaveLength(before)
    expect(k.brokenNames).toEqual([])
  })

  it('find_resource_space() is first fit, aligned, between min and max', () => {
    const k = boot()
    const find = (size: number, align: number, min = 0, max = 0xffff) =>
      find_resource_space(k.kernel, rootOf(k), { size, align, min, max })
    expect(find(0x1000, 0x1000)).toBe(0x0)
    expect(find(0x2000, 0x1000)).toBe(0x2000)
    expect(find(0x1000, 0x2000, 0x3000)).toBe(0x8000)
    expect(find(0x1000, 0x1000, 0x3000)).toBe(0x3000)
    expect(find(0x2000, 0x1000, 0x4000, 0x9fff)).toBeUndefined()
  })

  it('allocate_resource() links what it found, or says -EBUSY', () => {
    const k = boot()
    const made = k.kernel.resources.make({ name: 'made', flags: MEM })
    const limits = { size: 0x2000, align: 0x1000, min: 0x1000, max: 0xffff }
    expect(allocate_resource(k.kernel, rootOf(k), made, limits)).toBe(0)
    expect(proc_iomem(k.kernel)).toContain('00002000-00003fff : made')
    const more = k.kernel.resources.make({ name: 'more', flags: MEM })
    expect(allocate_resource(k.kernel, rootOf(k), more, { ...limits, max: 0x4fff })).toBe(-16)
  })
})

describe('walks', () => {
  const kmem = node('CXL Window 0', 0x100000000, 0x1ffffffff, MEM, [
    node('region0', 0x100000000, 0x17fffffff, MEM, [
      node('dax0.0', 0x100000000, 0x17fffffff, 0x01000200, [
        node('System RAM (kmem)', 0x110000000, 0x17fffffff, 0x83000200),
      ]),
    ]),
  ])
  const boot = () => bootIomem('v6.12', [node('System RAM', 0x100000, 0x3fffffff, RAM), kmem])
  const intersects = (start: number, end: number) =>
    region_intersects(boot().kernel, { start, end }, SYSTEM_RAM)

  it.each([
    ['RAM at the top', 0x200000, 0x200fff, 'INTERSECTS'],
    ['nothing', 0x50000000, 0x50000fff, 'DISJOINT'],
    ['RAM and a hole, which no node covers', 0x3ffff000, 0x40000fff, 'INTERSECTS'],
    ['the window outside of the region', 0x180000000, 0x180000fff, 'DISJOINT'],
    ['RAM below a window, a region and a device', 0x110000000, 0x110000fff, 'INTERSECTS'],
    ['RAM and the rest of its window', 0x17ffff000, 0x180000fff, 'MIXED'],
  ] as const)('region_intersects(): %s', (_what, start, end, answer) => {
    expect(intersects(start, end)).toBe(answer)
  })

  it('/dev/mem may not have RAM that is below a CXL window', () => {
    const k = boot()
    expect(devmem_is_allowed(k.kernel, 0x110000)).toBe(0)
    expect(devmem_is_allowed(k.kernel, 0x180000)).toBe(1)
    expect(highMemory(k.kernel)).toBe(0x180000000)
  })

  it('find_next_iomem_res() clips to the first match', () => {
    const find = (start: number, end: number) =>
      find_next_iomem_res(boot().kernel, { start, end, flags: SYSTEM_RAM, desc: 'NONE' })
    expect(find(0, 0x1fffff)).toEqual({ start: 0x100000, end: 0x1fffff })
    expect(find(0x40000000, 0x11fffffff)).toEqual({ start: 0x100000000, end: 0x11fffffff })
    expect(find(0x40000000, 0xffffffff)).toBeUndefined()
  })
})

describe('rules X1 to X5 of exclusivity', () => {
  const boot = (flags: number, policies: Readonly<Record<string, string>> = {}) =>
    bootIomem('v6.12', [node('range', 0xc0000000, 0xc000ffff, flags)], { policies })
  const BUSY = 0x80000200
  const EXCLUSIVE = 0x88000200
  const relaxed = { iomemParam: 'relaxed' }
  const off = { ioStrictDevmem: 'off' }
  it.each([
    ['X1', EXCLUSIVE_RAM, {}, true],
    ['X1, iomem=relaxed', EXCLUSIVE_RAM, relaxed, true],
    ['X1 before 5.16', EXCLUSIVE_RAM, { ...relaxed, exclusiveRam: 'off' }, false],
    ['X2', EXCLUSIVE, relaxed, false],
    ['X2, STRICT_DEVMEM=n', EXCLUSIVE, { strictDevmem: 'off' }, false],
    [
      'iomem=strict, STRICT_DEVMEM=n',
      EXCLUSIVE,
      { strictDevmem: 'off', iomemParam: 'strict' },
      true,
    ],
    ['X3', BUSY, {}, true],
    ['X4', EXCLUSIVE, off, true],
    ['X5', BUSY, off, false],
    ['X5, not BUSY', 0x08000200, {}, false],
  ] as const)('%s', (_rule, flags, policies, isExclusive) => {
    expect(iomem_is_exclusive(boot(flags, policies).kernel, 0xc0001234)).toBe(isExclusive)
  })

  it('never refuse the first megabyte, of which RAM counts as zeros from 4.11 on', () => {
    const low = [
      node('Reserved', 0x0, 0xfff, BUSY),
      node('System RAM', 0x1000, 0x9ffff, RAM),
      node('System RAM', 0x100000, 0x3fffffff, RAM),
    ]
    const allowed = (preset: string) => {
      const k = bootIomem(preset, low)
      return [0, 1, 0x100, 0xa0].map((pfn) => devmem_is_allowed(k.kernel, pfn))
    }
    expect(allowed('v6.12')).toEqual([1, 2, 0, 1])
    expect(allowed('devmem-4.5')).toEqual([1, 1, 0, 1])
  })
})
