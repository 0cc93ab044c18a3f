import { describe, expect, it } from 'vitest'
import { write_mem } from '../../linux/drivers/char/mem-rw'
import { nd_pmem_probe } from '../../linux/drivers/nvdimm/pmem-probe'
import { iommuDmaWrite, vfio_dma_do_map } from '../../linux/drivers/vfio/vfio_iommu_type1'
import { IORESOURCE } from '../../linux/include/ioport'
import { durability } from '../../linux/invariants/durability'
import { honestSignal } from '../../linux/invariants/honest-signal'
import { noNewMapOfClaim } from '../../linux/invariants/no-new-map-of-claim'
import { noStalePte } from '../../linux/invariants/no-stale-pte'
import { noUserWriteAfterClaim } from '../../linux/invariants/no-user-write-after-claim'
import { __request_region } from '../../linux/kernel/resource'
import {
  areaOf,
  claimOf,
  claims,
  driverWrites,
  fileOf,
  loadsFrom,
  maps,
  storesTo,
  taskOf,
} from '../../scenarios/iomem-story'
import type { Act } from '../../scenarios/scenario'
import { brokenIn, type Example, heldIn } from '../../testing/cells'
import { BAR, bar, E } from '../../testing/iomem-examples'
import { bootIomem, type IomemKernel, node } from '../../testing/iomem-kernel'
import { allBut, everyPreset, released } from '../../testing/kernel-ranges'

const { mem: MEM, exclusive: EXCLUSIVE } = IORESOURCE
const P0 = 0x100000
const [T1, T2] = [0xa1, 0xa2]
const RESOURCE0 = { path: 'resource0', kind: 'resource', bar: BAR.start } as const

/** Claims refuse what is new (P1), and from 5.8 on revoke what is old (P2). */
const STRICT_NEW_ONLY = ['devmem-4.5', ...released('v4.14', 'v5.7')]
const REVOKING = allBut('devmem-4.4', ...STRICT_NEW_ONLY)
const DENY = { iomemClaim: 'deny' }
const COUNTED = { iomemClaim: 'failDriverCounted' }

const opened = (k: IomemKernel, acts: readonly Act[], path = '/dev/mem') => {
  k.open('T', path)
  return { kernel: k.kernel, acts }
}

/** W4: a tool maps idle pmem, and a driver is bound to it. */
const twoMinds: Example = (preset, policies = {}) => {
  const legacy = node('Persistent Memory (legacy)', 0x100000000, 0x1ffffffff, MEM)
  const namespace = { name: 'namespace0.0', start: P0, end: 0x200000 }
  return opened(bootIomem(preset, [legacy], { policies, namespace }), [
    maps('T', 'a', P0, 2),
    storesTo('T', 'a', P0, T1),
    storesTo('T', 'a', P0, T2),
    { who: 'D', operation: nd_pmem_probe.name, args: () => ({ device: 1 }) },
  ])
}

/** W6: mmap() of one page against a claim. */
const mmapAndClaim: Example = (preset, policies = {}) =>
  opened(bootIomem(preset, [bar], { policies }), [
    maps('T', 'a', E, 1),
    storesTo('T', 'a', E, T2),
    claims('D', 'd', BAR.start, BAR.end),
  ])

/** W7: write() of two pages against a claim. */
const writeAndClaim: Example = (preset, policies = {}) => {
  const low = node('bar', 0xc0000000, 0xc000ffff, MEM)
  const ram = node('System RAM', 0x100000000, 0x13fffffff, 0x81000200)
  const writes: Act = {
    who: 'T',
    operation: write_mem.name,
    args: (k) => ({ file: fileOf(k, 'T'), pos: 0xc0000000, length: 8192, value: 0x55 }),
  }
  return opened(bootIomem(preset, [low, ram], { policies }), [
    writes,
    claims('D', 'd', 0xc0000000, 0xc0001fff),
    driverWrites('D', 'd', 0xd0),
  ])
}

/** W8: a claim that begins in the middle of a page, and ends in that of the next; T maps from `first`. */
const unalignedClaim =
  (first: number): Example =>
  (preset, policies = {}) =>
    opened(bootIomem(preset, [], { policies }), [
      maps('T', 'a', first, 0xfed02 - first),
      storesTo('T', 'a', 0xfed01, T2),
      claims('D', 'd', 0xfed00800, 0xfed017ff),
    ])

/** W9: the driver claims a page in the middle; resource0 is mapped when that is done. */
const partialClaim: Example = (preset, policies = {}) => {
  const k = bootIomem(preset, [bar], { policies, nodes: [RESOURCE0] })
  const isClaimed: Act['when'] = (kernel) => claimOf(kernel, 'd') !== undefined
  const acts = [
    { ...maps('T', 'a', 0, 256, 'resource'), when: isClaimed },
    storesTo('T', 'a', E + 128, T2),
    claims('D', 'd', BAR.start + 0x80000, BAR.start + 0x80fff),
  ]
  return opened(k, acts, 'resource0')
}

/** W20: an IOMMU mapping is made of a mapping of resource0. */
const iommuAlias: Example = (preset, policies = {}) => {
  const k = bootIomem(preset, [bar], { policies, nodes: [RESOURCE0], devices: ['gpu'] })
  const lends: Act = {
    who: 'T',
    operation: vfio_dma_do_map.name,
    when: (kernel) => areaOf(kernel, 'a') !== undefined,
    args: (kernel) => ({ vpn: areaOf(kernel, 'a')?.vm_start ?? 0, iova: 1 }),
  }
  const writes: Act = {
    who: 'gpu',
    operation: iommuDmaWrite.name,
    args: (kernel) => ({ mm: taskOf(kernel, 'T')?.mm ?? 0, iova: 1, value: 0xd1 }),
  }
  const claim = claims('D', 'd', BAR.start, BAR.end)
  return opened(k, [maps('T', 'a', 0, 1, 'resource'), lends, writes, claim], 'resource0')
}

/** W22: the claim is exclusive, and nothing is revoked. */
const exclusiveClaim: Example = (preset, policies = {}) => {
  const rules = { ioStrictDevmem: 'off', ...policies }
  const k = bootIomem(preset, [bar], { policies: rules, nodes: [RESOURCE0] })
  const claim: Act = {
    who: 'D',
    operation: __request_region.name,
    args: () => ({ parent: 1, ...BAR, name: 'd', flags: EXCLUSIVE }),
  }
  const acts = [maps('T', 'a', 0, 1, 'resource'), storesTo('T', 'a', E, T2), claim]
  return opened(k, acts, 'resource0')
}

/** mmap() of two pages, of which a driver claims the first. */
const twoPages: Example = (preset, policies = {}) =>
  opened(bootIomem(preset, [bar], { policies }), [
    maps('T', 'a', E, 2),
    claims('D', 'd', BAR.start, BAR.start + 0xfff),
  ])

describe('I5, no new map of what is claimed', () => {
  it('breaks for resource0: only the first page of the BAR is looked at (W9)', () => {
    expect(brokenIn(noNewMapOfClaim, partialClaim, everyPreset)).toEqual([10, 16])
  })

  it('holds where IO_STRICT_DEVMEM is off, while the claim is not there yet (W22)', () => {
    expect(heldIn(noNewMapOfClaim, exclusiveClaim, ['v6.12'])).toEqual([115])
  })

  it('holds for one page of /dev/mem under P1, P2, P3 and P4', () => {
    expect(heldIn(noNewMapOfClaim, mmapAndClaim, STRICT_NEW_ONLY)).toEqual([87])
    expect(heldIn(noNewMapOfClaim, mmapAndClaim, REVOKING)).toEqual([219])
    const under = (iomemClaim: string) =>
      heldIn(noNewMapOfClaim, mmapAndClaim, ['v6.12'], { iomemClaim })
    expect(['failDriver', 'failDriverCounted', 'deny'].flatMap(under)).toEqual([99, 82, 49])
  })

  it('breaks for two: the first is claimed while the second is looked at', () => {
    expect(brokenIn(noNewMapOfClaim, twoPages, [...STRICT_NEW_ONLY, ...REVOKING])).toEqual([13, 19])
    expect(brokenIn(noNewMapOfClaim, twoPages, ['v6.12'], { iomemClaim: 'failDriver' })).toEqual([
      13,
    ])
    expect(heldIn(noNewMapOfClaim, twoPages, ['v6.12'], COUNTED)).toEqual([82])
    expect(heldIn(noNewMapOfClaim, twoPages, ['v6.12'], DENY)).toEqual([49])
  })
})

describe('I6, no stale entry', () => {
  it('breaks in every preset: mmap() that passed its checks comes after the claim (W4, W6)', () => {
    expect(brokenIn(noStalePte, mmapAndClaim, ['devmem-4.4', ...STRICT_NEW_ONLY])).toEqual([12])
    expect(brokenIn(noStalePte, mmapAndClaim, REVOKING)).toEqual([18])
    expect(brokenIn(noStalePte, twoMinds, STRICT_NEW_ONLY)).toEqual([15])
  })

  it('breaks where the claim is not aligned, or of a part of the BAR (W8, W9)', () => {
    expect(brokenIn(noStalePte, unalignedClaim(0xfed00), REVOKING)).toEqual([19])
    expect(brokenIn(noStalePte, partialClaim, REVOKING)).toEqual([18])
  })

  it('breaks where IO_STRICT_DEVMEM is off (W22)', () => {
    expect(brokenIn(noStalePte, exclusiveClaim, ['v6.12'])).toEqual([14])
  })

  it('holds where nobody ever maps it (P4)', () => {
    const held = (example: Example) => heldIn(noStalePte, example, ['v6.12'], DENY)
    const examples = [twoMinds, mmapAndClaim, unalignedClaim(0xfed00), partialClaim, exclusiveClaim]
    expect(examples.flatMap(held)).toEqual([196, 49, 42, 12, 42])
  })

  it('holds for /dev/mem where the driver fails, and an mmap() under way counts (P3)', () => {
    const held = (example: Example) => heldIn(noStalePte, example, ['v6.12'], COUNTED)
    const examples = [twoMinds, mmapAndClaim, unalignedClaim(0xfed00), unalignedClaim(0xfed01)]
    expect(examples.flatMap(held)).toEqual([385, 82, 89, 77])
    expect(brokenIn(noStalePte, partialClaim, ['v6.12'], COUNTED)).toEqual([12])
  })
})

describe('I7, no write of a user after the claim', () => {
  it.each([
    ['W4', twoMinds, STRICT_NEW_ONLY, 20],
    ['W6', mmapAndClaim, REVOKING, 23],
    ['W7', writeAndClaim, REVOKING, 16],
    ['W20', iommuAlias, released('v5.12'), 26],
    ['W22', exclusiveClaim, ['v6.12'], 19],
  ] as const)('breaks by %s', (_label, example, names, moves) => {
    expect(brokenIn(noUserWriteAfterClaim, example, names)).toEqual([moves])
  })

  it('holds where nobody ever maps it (P4)', () => {
    const held = (example: Example) => heldIn(noUserWriteAfterClaim, example, ['v6.12'], DENY)
    const examples = [twoMinds, mmapAndClaim, writeAndClaim, iommuAlias, exclusiveClaim]
    expect(examples.flatMap(held)).toEqual([196, 49, 36, 42, 42])
  })
})

/** A process goes on reading what it has mapped, of /dev/mem or of resource0. */
const readers =
  (path: '/dev/mem' | 'resource0'): Example =>
  (preset, policies = {}) => {
    const k = bootIomem(preset, [bar], {
      policies,
      nodes: [{ path: '/dev/mem', kind: 'mem' }, RESOURCE0],
    })
    const map = path === '/dev/mem' ? maps('T', 'a', E, 1) : maps('T', 'a', 0, 1, 'resource')
    const claim = claims('D', 'd', BAR.start, BAR.end)
    return opened(k, [map, loadsFrom('T', 'a', E), loadsFrom('T', 'a', E), claim], path)
  }

describe('I8, an honest signal', () => {
  it('holds in every preset', () => {
    expect(heldIn(honestSignal, readers('/dev/mem'), everyPreset)).toEqual([100, 316, 107])
    expect(heldIn(honestSignal, readers('resource0'), everyPreset)).toEqual([100, 196, 316, 108])
  })
})

describe('I16, pmem keeps its bytes', () => {
  it('breaks by W4', () => {
    expect(brokenIn(durability, twoMinds, STRICT_NEW_ONLY)).toEqual([34])
  })
})
