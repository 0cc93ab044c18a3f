import { describe, expect, it } from 'vitest'
import { bootIomem, type IomemKernel, node } from '../../../testing/iomem-kernel'
import { IORESOURCE } from '../../include/ioport'
import { iomem_init_inode } from '../../kernel/iomem-init'
import { __device_release_driver } from '../base/dd'
import { driverStore } from '../base/driver-store'
import { pmem_attach_disk } from '../nvdimm/pmem'
import { nd_pmem_probe } from '../nvdimm/pmem-probe'
import { iommuDmaWrite, vfio_dma_do_map } from '../vfio/vfio_iommu_type1'
import { write_mem } from './mem-rw'

const MEM = IORESOURCE.mem
const P0 = 0x100000
const LEGACY = node('Persistent Memory (legacy)', 0x100000000, 0x1ffffffff, MEM)
const NAMESPACE = { name: 'namespace0.0', start: P0, end: 0x200000 }
const [T1, SB, T2] = [0xa1, 0x5b, 0xa2]

/** The machine of `memmap=4G!4G`; the file system's superblock is what the driver writes to page 0. */
const bootPmem = (preset: string, policies: Readonly<Record<string, string>> = {}) =>
  bootIomem(preset, [LEGACY], { policies, namespace: NAMESPACE, sizes: { namespaces: 1 } })

const probe = (k: IomemKernel) => k.task('D').begins(nd_pmem_probe, { device: 1 })
const writesSuperblock = (k: IomemKernel) =>
  k
    .task('D')
    .begins(driverStore, { resource: k.kernel.namespaces.at(1).resource, page: 0, value: SB })
    .finishes()
/** Claim, entry of T at p0, byte of p0. */
const row = (k: IomemKernel) => [k.claimOf('namespace0.0'), k.pte('T', P0), k.byte(P0)]
const WHOLE = '100000000-1ffffffff'

describe('W4: two minds, strict-new-only (P1)', () => {
  it.each(['devmem-4.5', 'v5.7'])(
    '%s: the superblock is destroyed, and nobody is told',
    (preset) => {
      const k = bootPmem(preset)
      expect(k.mmap('T', P0, 2)).toBe('ok')
      expect(row(k)).toEqual(['–', 'present', 0])
      expect(k.store('T', P0, T1)).toBe('ok')
      expect(row(k)).toEqual(['–', 'present', T1])
      expect(k.brokenNames).toEqual([])
      expect(probe(k).finishes()).toBe(0)
      writesSuperblock(k)
      expect(row(k)).toEqual([WHOLE, 'present', SB])
      expect(k.flags(k.kernel.namespaces.at(1).resource)).toBe('80000200')
      expect(k.brokenNames).toEqual(['noStalePte'])
      expect(k.store('T', P0, T2)).toBe('ok')
      expect(row(k)).toEqual([WHOLE, 'present', T2])
      expect(k.brokenNames).toEqual(['noUserWriteAfterClaim', 'durability', 'noStalePte'])
      expect(k.kernel.log.rows()).toEqual([])
    },
  )

  it('the bytes outlive the process and the binding: pmem keeps them over a reboot', () => {
    const k = bootPmem('v5.7')
    k.mmap('T', P0, 2)
    probe(k).finishes()
    k.store('T', P0, T2)
    k.munmap('T')
    k.task('D').begins(__device_release_driver, { device: 1 }).finishes()
    expect(k.byte(P0)).toBe(T2)
  })
})

describe('W5: the same, revoke (P2)', () => {
  it.each(['v5.8', 'v5.12', 'v6.12'])('%s: the store gets SIGBUS', (preset) => {
    const k = bootPmem(preset)
    k.mmap('T', P0, 2)
    k.store('T', P0, T1)
    expect(row(k)).toEqual(['–', 'present', T1])
    const D = probe(k).runTo('read_info')
    expect(row(k)).toEqual(['100000000-100001fff', 'none', T1])
    expect(k.pte('T', P0 + 1)).toBe('none')
    expect(D.finishes()).toBe(0)
    writesSuperblock(k)
    expect(row(k)).toEqual([WHOLE, 'none', SB])
    expect(k.store('T', P0, T2)).toBe('SIGBUS BUS_ADRERR')
    expect(row(k)).toEqual([WHOLE, 'none', SB])
    k.munmap('T')
    expect(k.mmap('T', P0, 2)).toBe('-EPERM')
    expect(k.brokenNames).toEqual([])
  })

  it('does not heal when the driver goes, until the process maps again', () => {
    const k = bootPmem('v6.12')
    k.mmap('T', P0, 2)
    probe(k).finishes()
    expect(k.task('D').begins(__device_release_driver, { device: 1 }).finishes()).toBe(0)
    expect(k.load('T', P0)).toBe('SIGBUS BUS_ADRERR')
    expect(row(k).slice(0, 2)).toEqual(['–', 'none'])
    k.munmap('T')
    expect(k.mmap('T', P0, 2)).toBe('ok')
    expect(k.store('T', P0, T1)).toBe('ok')
    expect(row(k)).toEqual(['–', 'present', T1])
  })

  it('P0 (4.4): as W4', () => {
    const k = bootPmem('devmem-4.4')
    k.mmap('T', P0, 2)
    probe(k).finishes()
    expect(k.store('T', P0, T2)).toBe('ok')
    expect(row(k)).toEqual([WHOLE, 'present', T2])
    k.munmap('T')
    expect(k.mmap('T', P0, 2)).toBe('ok')
  })

  it.each(['failDriver', 'failDriverCounted'])(
    'P3, %s: the probe fails, T is undisturbed',
    (value) => {
      const k = bootPmem('v6.12', { iomemClaim: value })
      k.mmap('T', P0, 2)
      expect(probe(k).finishes()).toBe(-16)
      expect(k.kernel.namespaces.at(1).blockdev).toBe('')
      expect(k.kernel.log.rows().map(({ line }) => line)).toEqual([
        'nd_pmem namespace0.0: could not reserve region [mem 0x100000000-0x1ffffffff]',
      ])
      expect(k.store('T', P0, T2)).toBe('ok')
      expect(row(k)).toEqual(['–', 'present', T2])
      expect(k.brokenNames).toEqual([])
      k.munmap('T')
      expect(probe(k).finishes()).toBe(0)
    },
  )

  it('P4: T’s first mmap fails, and pmem is safe', () => {
    const k = bootPmem('v6.12', { iomemClaim: 'deny' })
    expect(k.mmap('T', P0, 2)).toBe('-EPERM')
    expect(probe(k).finishes()).toBe(0)
  })
})

const BAR = node('0000:01:00.0', 0xfe000000, 0xfe0fffff, MEM)
const E = 0xfe000

/** MM1, MM2, MM4 of T and RQ, RV of D, as far as each goes. */
const steps: Readonly<Record<string, (k: IomemKernel) => void>> = {
  MM1: (k) => {
    const T = k.task('T')
    while (k.kernel.machine.canStep(T.id) && T.next !== 'remap') T.step()
  },
  MM2: (k) => void k.task('T').step(),
  MM4: (k) => void k.task('T').runs(),
  RQ: (k) => {
    const D = k.task('D')
    while (k.kernel.machine.canStep(D.id) && D.next !== 'unlock') D.step()
    if (D.next === 'unlock') D.step()
  },
  RV: (k) => void k.task('D').runs(),
}

describe('W6: mmap vs claim', () => {
  /** Every order of T's and D's steps; T stops where it is refused. */
  function schedules(policies: Readonly<Record<string, string>>): Record<string, number> {
    const outcomes: Record<string, number> = {}
    const go = (done: readonly string[], T: readonly string[], D: readonly string[]): void => {
      const k = bootIomem('v6.12', [BAR], { policies })
      k.maps('T', E, 1)
      k.claims('D', 0xfe000000, 0xfe0fffff)
      for (const step of done) steps[step]?.(k)
      const isRefused = done.includes('MM1') && k.kernel.machine.isIdle(k.task('T').id)
      const rest = isRefused ? [] : T
      if (rest.length === 0 && D.length === 0) {
        const outcome = isRefusedAtEnd(k) ? 'refused' : outcomeOf(k)
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
        return
      }
      const [t, ...ts] = rest
      const [d, ...ds] = D
      if (t !== undefined) go([...done, t], ts, D)
      if (d !== undefined) go([...done, d], rest, ds)
    }
    go([], ['MM1', 'MM2', 'MM4'], ['RQ', 'RV'])
    return outcomes
  }
  const isRefusedAtEnd = (k: IomemKernel) => k.task('T').row.ret === -1
  const outcomeOf = (k: IomemKernel) => {
    if (k.task('D').row.ret === 0) return 'driver fails'
    return k.pte('T', E) === 'present' ? 'leak' : 'revoked'
  }

  it('has 8 schedules: 2 refused, 3 revoked, 3 leaks', () => {
    expect(schedules({})).toEqual({ refused: 2, revoked: 3, leak: 3 })
  })

  it('leaks nothing where the area is checked again, or filled by faults', () => {
    expect(schedules({ iomemMmap: 'recheck' })).toEqual({ refused: 7, revoked: 1 })
    expect(schedules({ iomemMmap: 'fault' })).toEqual({ refused: 2, revoked: 6 })
  })

  it('reappears where the driver fails, unless an mmap() under way counts', () => {
    expect(schedules({ iomemClaim: 'failDriver' })).toEqual({
      refused: 2,
      leak: 5,
      'driver fails': 1,
    })
    expect(schedules({ iomemClaim: 'failDriverCounted' })).toEqual({
      refused: 2,
      'driver fails': 6,
    })
  })

  it('row by row: a permanent alias over a claimed range', () => {
    const k = bootIomem('v6.12', [BAR])
    const T = k.maps('T', E, 1).runTo('remap')
    const seen = () => [
      k.claimOf('D') === '–' ? 'no' : 'yes',
      k.kernel.vmas.find(({ label }) => label === 'T')?.i_mmap === 0 ? '–' : 'T',
      k.pte('T', E),
    ]
    expect(seen()).toEqual(['no', '–', 'none'])
    const D = k.claims('D', 0xfe000000, 0xfe0fffff).runTo('begin')
    expect(seen()).toEqual(['yes', '–', 'none'])
    expect(D.finishes()).toBeGreaterThan(0)
    expect(seen()).toEqual(['yes', '–', 'none'])
    T.step()
    expect(seen()).toEqual(['yes', '–', 'present'])
    expect(T.finishes()).toBeGreaterThan(0)
    expect(seen()).toEqual(['yes', 'T', 'present'])
    expect(k.store('T', E, T2)).toBe('ok')
    expect(k.brokenNames).toEqual(['noUserWriteAfterClaim', 'noStalePte'])
  })
})

describe('W7: write() vs claim', () => {
  const [Q0, Q1] = [0xc0000, 0xc0001]
  const DRV = 0xd0
  it('writes to the claimed page, and reports -EPERM', () => {
    const ram = node('System RAM', 0x100000000, 0x13fffffff, 0x81000200)
    const k = bootIomem('v6.12', [node('bar', 0xc0000000, 0xc000ffff, MEM), ram])
    const args = { file: k.fileOf('T'), pos: Q0 * 4096, length: 8192, value: 0x55 }
    const busy = () => (k.claimOf('D') === '–' ? 'no' : 'yes')
    const seen = () => [busy(), k.byte(Q0), k.byte(Q1)]
    const T = k.task('T').begins(write_mem, args).runTo('copy')
    expect(seen()).toEqual(['no', 0, 0])
    k.claim('D', 0xc0000000, 0xc0001fff)
    expect(seen()).toEqual(['yes', 0, 0])
    k.task('D')
      .begins(driverStore, { resource: k.resource('D'), page: 0, value: DRV })
      .finishes()
    expect(seen()).toEqual(['yes', DRV, 0])
    T.step()
    expect(seen()).toEqual(['yes', 0x55, 0])
    expect(T.finishes()).toBe(-1)
    expect(seen()).toEqual(['yes', 0x55, 0])
    expect(k.brokenNames).toEqual(['noUserWriteAfterClaim'])
  })
})

describe('W8: unaligned claim', () => {
  it('leaves the last page mapped: the length is rounded, not the end', () => {
    const k = bootIomem('v6.12', [])
    expect(k.mmap('T', 0xfed00, 2)).toBe('ok')
    expect([k.pte('T', 0xfed00), k.pte('T', 0xfed01)]).toEqual(['present', 'present'])
    expect(k.claim('D', 0xfed00800, 0xfed017ff)).toBe('80000200')
    expect([k.pte('T', 0xfed00), k.pte('T', 0xfed01)]).toEqual(['none', 'present'])
    expect(k.brokenNames).toEqual(['noStalePte'])
    expect(k.store('T', 0xfed01, T2)).toBe('ok')
    expect(k.byte(0xfed01)).toBe(T2)
    expect(k.brokenNames).toEqual(['noUserWriteAfterClaim', 'noStalePte'])
  })
})

describe('W9: partial BAR claim', () => {
  it('is refused by /dev/mem, and overlooked by resource0', () => {
    const bar = node('0000:01:00.0', 0xf0000000, 0xf00fffff, MEM)
    const resource0 = { path: 'resource0', kind: 'resource', bar: 0xf0000000 } as const
    const k = bootIomem('v6.12', [bar], {
      nodes: [{ path: '/dev/mem', kind: 'mem' }, resource0],
    })
    expect(k.claim('D', 0xf0080000, 0xf0080fff)).toBe('80000200')
    expect(k.mmap('T', 0xf0080, 1)).toBe('-EPERM')
    expect(k.mmap('T', 0, 256, 'resource0')).toBe('ok')
    expect(k.pte('T', 0xf0080)).toBe('present')
    const { vm_start, vm_end } = k.kernel.vmas.at(1)
    expect(k.kernel.ptes.in(1).covers(vm_start, vm_end)).toBe(true)
    expect(vm_end - vm_start).toBe(256)
    expect(k.brokenNames).toEqual(['noStalePte', 'noNewMapOfClaim'])
  })

  it('is no matter of a claim that comes between the check and the entries: that is W6', () => {
    const bar = node('0000:01:00.0', 0xf0000000, 0xf00fffff, MEM)
    const resource0 = { path: 'resource0', kind: 'resource', bar: 0xf0000000 } as const
    const k = bootIomem('v6.12', [bar], { nodes: [resource0] })
    const t = k.maps('T', 0, 256, 'resource0').runTo('fits')
    k.claim('D', 0xf0000000, 0xf00fffff)
    t.finishes()
    expect(k.brokenNames).toEqual(['noStalePte'])
  })
})

describe('W10: the pmem attach window', () => {
  it('lets T in between PM3 and PM4, and out again', () => {
    const k = bootPmem('v6.12')
    const D = probe(k).runTo('read_info')
    expect(k.claimOf('namespace0.0')).toBe('100000000-100001fff')
    expect(k.mmap('T', P0, 1)).toBe('-EPERM')
    expect(k.pte('T', P0)).toBe('none')
    D.runTo('attach')
    expect(k.claimOf('namespace0.0')).toBe('–')
    expect(k.mmap('T', P0, 1)).toBe('ok')
    expect(k.pte('T', P0)).toBe('present')
    D.runTo('begin')
    expect(row(k)).toEqual([WHOLE, 'present', 0])
    expect(k.mmap('T2', P0, 1)).toBe('-EPERM')
    D.finishes()
    expect(row(k)).toEqual([WHOLE, 'none', 0])
    expect(k.store('T', P0, T2)).toBe('SIGBUS BUS_ADRERR')
    expect(k.brokenNames).toEqual([])
  })

  it('does not heal where T is between MM1 and MM4 while PM4 runs', () => {
    const k = bootPmem('v6.12')
    const D = probe(k).runTo('attach')
    const T = k.maps('T', P0, 1).runTo('remap')
    expect(D.finishes()).toBe(0)
    T.finishes()
    expect(row(k)).toEqual([WHOLE, 'present', 0])
    expect(k.brokenNames).toEqual(['noStalePte'])
  })

  it('a bind that looks for no info block has no window', () => {
    const k = bootPmem('v6.12')
    expect(k.task('D').begins(pmem_attach_disk, { device: 1 }).finishes()).toBe(0)
    expect(k.mmap('T', P0, 1)).toBe('-EPERM')
  })
})

describe('W11: claim before fs_initcall', () => {
  it('revokes nothing, and needs not', () => {
    const k = bootIomem('v6.12', [BAR], { early: true })
    const D = k.claims('D', 0xfe000000, 0xfe0fffff).runTo('begin')
    expect(k.kernel.globals.iomem_inode).toBe(0)
    D.step()
    expect(D.next).toBe('revoked')
    D.finishes()
    expect(k.flags(k.resource('D'))).toBe('80000200')
    expect(k.open('T', '/dev/mem')).toBe(-2)
    k.task('D2').begins(iomem_init_inode).finishes()
    expect(k.kernel.globals.iomem_inode).toBeGreaterThan(0)
    expect(k.mmap('T', E, 1)).toBe('-EPERM')
    expect(k.brokenNames).toEqual([])
  })
})

describe('W20: IOMMU alias', () => {
  it('survives the revocation, and the device writes to the claimed BAR', () => {
    const bar = node('0000:01:00.0', 0xf0000000, 0xf000ffff, MEM)
    const resource0 = { path: 'resource0', kind: 'resource', bar: 0xf0000000 } as const
    const k = bootIomem('v6.12', [bar], { nodes: [resource0], devices: ['gpu'] })
    const iommu = () => (k.kernel.iommuPtes.in(1).has(1) ? k.kernel.iommuPtes.in(1).at(1).pfn : 0)
    const seen = () => [k.claimOf('D') === '–', k.pte('T', 0xf0000), iommu(), k.byte(0xf0000)]
    k.mmap('T', 0, 1, 'resource0')
    expect(seen()).toEqual([true, 'present', 0, 0])
    const { vm_start } = k.kernel.vmas.at(1)
    k.task('T').begins(vfio_dma_do_map, { vpn: vm_start, iova: 1 }).finishes()
    expect(seen()).toEqual([true, 'present', 0xf0000, 0])
    k.claim('D', 0xf0000000, 0xf000ffff)
    expect(seen()).toEqual([false, 'none', 0xf0000, 0])
    k.task('gpu').begins(iommuDmaWrite, { mm: 1, iova: 1, value: 0xd1 }).finishes()
    expect(seen()).toEqual([false, 'none', 0xf0000, 0xd1])
    expect(k.brokenNames).toEqual(['noUserWriteAfterClaim'])
  })
})

describe('W22: EXCLUSIVE without IO_STRICT_DEVMEM', () => {
  it('blocks new mappings, and revokes nothing', () => {
    const nodes = [{ path: 'resource0', kind: 'resource', bar: 0xfe000000 }] as const
    const k = bootIomem('v6.12', [BAR], { nodes, policies: { ioStrictDevmem: 'off' } })
    const flags = () => k.flags(k.resource('D') || k.resource('0000:01:00.0'))
    k.mmap('T', 0, 1, 'resource0')
    expect([flags(), k.pte('T', E)]).toEqual(['200', 'present'])
    expect(k.claim('D', 0xfe000000, 0xfe0fffff)).toBe('80000200')
    expect(k.pte('T', E)).toBe('present')
    expect(k.mmap('T2', 0, 1, 'resource0')).toBe('ok')
    k.munmap('T2')
    k.release('D', 0xfe000000, 0xfe0fffff)
    expect(k.claim('D', 0xfe000000, 0xfe0fffff, 'D', IORESOURCE.exclusive)).toBe('88000200')
    expect(k.pte('T', E)).toBe('present')
    expect(k.mmap('T2', 0, 1, 'resource0')).toBe('-EINVAL')
    expect(k.store('T', E, T2)).toBe('ok')
    expect(k.byte(E)).toBe(T2)
    // T2 was let in over the plain claim: X3 is off.
    expect(k.brokenNames).toEqual(['noUserWriteAfterClaim', 'noStalePte', 'noNewMapOfClaim'])
  })
})
