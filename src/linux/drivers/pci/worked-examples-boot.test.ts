import { describe, expect, it } from 'vitest'
import { runToLevel } from '../../../scenarios/boot-machine'
import {
  type BootKernel,
  barSeeds,
  bootMachine,
  bootScanned,
  filesOf,
} from '../../../testing/boot-kernel'
import { sysfs_kf_bin_open } from '../../fs/sysfs/file'
import { EEXIST, ENOENT } from '../../include/errno'
import { IORESOURCE } from '../../include/ioport'
import { bootComplete } from '../../invariants/boot-complete'
import { mappingReady } from '../../invariants/mapping-ready'
import { oneResourceFile } from '../../invariants/one-resource-file'
import { __request_region } from '../../kernel/resource'
import { IOMEM_RESOURCE } from '../../kernel/resource-tree'
import { pci_bus_add_device } from './bus'
import { board_added, pci_stop_and_remove_bus_device } from './hotplug'
import { pci_sysfs_init } from './pci-sysfs'

const DEVICE = { name: '0000:01:00.0', bars: barSeeds(1) }
const DUPLICATE =
  "sysfs: cannot create duplicate filename '/devices/pci0000:00/0000:01:00.0/resource0'"

/** A row of the tables of W13. */
const row = (k: BootKernel, dev = 1) => [
  k.boot.sysfs_initialized,
  k.node('resource0', dev),
  k.resAttr(0, dev),
]

const lateInit = (k: BootKernel) => k.task('swapper/0')
const worker = (k: BootKernel) => k.task('worker')
const adds = (k: BootKernel) => worker(k).begins(pci_bus_add_device, { dev: 1 }).runTo('gate')

describe('W13, both creators at one device', () => {
  const raced = () => {
    const k = bootScanned([DEVICE])
    lateInit(k).begins(pci_sysfs_init).step().step()
    return k
  }

  it('has the loser delete the file of the winner, and leave its pointer', () => {
    const k = raced()
    expect(row(k)).toEqual([1, '–', 'NULL'])
    lateInit(k).step()
    expect(row(k)).toEqual([1, '→L0', 'NULL'])
    lateInit(k).step()
    expect(row(k)).toEqual([1, '→L0', 'L0'])
    adds(k).step()
    expect(worker(k).next).toBe('make')
    expect(row(k)).toEqual([1, '→L0', 'L0'])
    worker(k).step()
    expect(row(k)).toEqual([1, '→L0', 'L0'])
    expect(k.log).toEqual([DUPLICATE])
    expect(k.kernel.binAttributes.rows()).toHaveLength(1)
    worker(k).step()
    expect(row(k)).toEqual([1, '–', 'L0 (freed)'])
    expect(k.broken(oneResourceFile)).toBe(
      '0000:01:00.0: res_attr[0] points to an attribute that was freed',
    )
    worker(k).finishes()
    expect(lateInit(k).finishes()).toBe(0)
    expect(k.kernel.pciDevs.at(1).added).toBe(1)
    expect(row(k)).toEqual([1, '–', 'L0 (freed)'])
    k.boot.level = 'run'
    expect(k.broken(bootComplete)).toBe('0000:01:00.0 is added, and has no resource0')
    const shell = k.task('shell').begins(pci_stop_and_remove_bus_device, { dev: 1 })
    shell.runTo('destroy')
    expect(row(k)).toEqual([1, '–', 'L0 (freed twice)'])
    shell.finishes()
    expect(k.kernel.binAttributes.rows().map(({ frees }) => frees)).toEqual([2])
  })

  it('frees the attribute twice, where the device is removed between the pointer and the file (up to 6.1)', () => {
    const k = bootScanned([DEVICE], { preset: 'v5.15' })
    k.kernel.pciDevs.at(1).added = 1
    lateInit(k).begins(pci_sysfs_init).runTo('complete')
    k.task('shell').begins(pci_stop_and_remove_bus_device, { dev: 1 }).finishes()
    lateInit(k).finishes()
    expect(filesOf(k.kernel, 1)).toEqual([])
    expect(k.kernel.binAttributes.rows().map(({ frees }) => frees)).toEqual([2])
  })

  it('W13c: leaves files correct, with the warning alone, where the pointer is stored last', () => {
    const k = raced()
    lateInit(k).step()
    adds(k).step().step()
    expect(k.log).toEqual([DUPLICATE])
    worker(k).step()
    expect(row(k)).toEqual([1, '→L0', 'NULL'])
    lateInit(k).step()
    expect(row(k)).toEqual([1, '→L0', 'L0'])
    expect([worker(k).finishes(), lateInit(k).finishes()]).toEqual([0, 0])
    expect(k.broken(oneResourceFile)).toBeUndefined()
    expect(k.log).toEqual([DUPLICATE])
  })
})

describe('W13b, the initcall loses', () => {
  it('serves no device behind it', () => {
    const later = { name: '0000:02:00.0', bars: barSeeds(1, 0xfd000000) }
    const k = bootScanned([DEVICE, later])
    lateInit(k).begins(pci_sysfs_init).step()
    adds(k).step().step().step()
    expect(row(k)).toEqual([1, '→B0', 'B0'])
    lateInit(k).step().step()
    expect(row(k)).toEqual([1, '→B0', 'B0'])
    expect(k.log).toEqual([DUPLICATE])
    expect(lateInit(k).next).toBe('unwind')
    lateInit(k).step()
    expect(row(k)).toEqual([1, '–', 'B0 (freed)'])
    expect(lateInit(k).finishes()).toBe(-EEXIST)
    expect(row(k, 2)).toEqual([1, '–', 'NULL'])
    worker(k).finishes()
    expect(row(k)).toEqual([1, '–', 'B0 (freed)'])
  })
})

describe('S4, the flag behind the loop', () => {
  it('may leave a device without a file for ever, and no warning', () => {
    const k = bootScanned([DEVICE], { policies: { resourceFiles: 'flagAfterLoop' } })
    const state = () => [k.boot.sysfs_initialized, k.kernel.pciDevs.at(1).added, k.node()]
    adds(k).step()
    expect(worker(k).next).toBe('proc')
    expect(state()).toEqual([0, 0, '–'])
    lateInit(k).begins(pci_sysfs_init).step().step().step()
    expect(state()).toEqual([0, 0, '–'])
    expect(lateInit(k).step().finishes()).toBe(0)
    expect(state()).toEqual([1, 0, '–'])
    worker(k).finishes()
    expect(state()).toEqual([1, 1, '–'])
    expect(k.log).toEqual([])
    k.boot.level = 'run'
    expect(k.broken(oneResourceFile)).toBeUndefined()
    expect(k.broken(bootComplete)).toBe('0000:01:00.0 is added, and has no resource0')
  })
})

const pSeries = (policies: Readonly<Record<string, string>>, legacy = true) =>
  bootMachine(
    {
      hosts: [{ name: 'pci0000:00', probe: 'subsys', legacy, devices: [DEVICE] }],
      admins: ['shell'],
    },
    { preset: 'v5.12', policies },
  )

describe('W12, legacy files before there is an inode', () => {
  it('oopses in linux-next of January 2021, and init dies of it', () => {
    const k = pSeries({ legacyFiles: 'ungated' })
    const init = lateInit(k).runTo('register')
    expect([k.boot.level, k.hasIomemInode, k.boot.panicked]).toEqual(['subsys', false, 0])
    expect(k.broken(mappingReady)).toBeUndefined()
    init.step()
    expect([k.boot.level, k.hasIomemInode, k.boot.panicked]).toEqual(['subsys', false, 1])
    expect(k.log).toEqual([
      'BUG: kernel NULL pointer dereference, address: 0000000000000030',
      'Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b',
    ])
    expect(k.broken(mappingReady)).toContain('swapper/0 called iomem_get_mapping() before')
    expect(k.kernel.machine.canStep(init.id)).toBe(false)
    expect(k.kernel.machine.waiting(init.id)).toEqual({
      reason: 'spins at the end of panic(), which never returns',
      state: 'R',
      holders: [],
      interruptible: false,
    })
  })

  it('leaves nobody anything to do after a panic, and no signal helps', () => {
    const k = pSeries({ legacyFiles: 'ungated' })
    const shell = k.task('shell').begins(pci_stop_and_remove_bus_device, { dev: 1 })
    lateInit(k).runs()
    expect(k.boot.panicked).toBe(1)
    expect(k.kernel.machine.waiting(shell.id)).toEqual({
      reason: 'never runs again: the kernel has panicked',
      state: 'D',
      holders: [],
      interruptible: false,
    })
  })

  it('is mended by the gate, and by the end of the late initcall', () => {
    const k = pSeries({})
    lateInit(k).runTo('late')
    expect(k.kernel.kernfsNodes.rows()).toEqual([])
    lateInit(k).finishes()
    const names = k.kernel.kernfsNodes.rows().map(({ name }) => name)
    expect(names).toEqual(['resource0', 'legacy_io', 'legacy_mem'])
    expect(k.boot.level).toBe('run')
    expect(k.broken(mappingReady)).toBeUndefined()
  })

  it('is harmless where the mapping is asked for at open (5.15)', () => {
    const k = pSeries({ legacyFiles: 'ungated', sysfsMapping: 'atOpen' })
    lateInit(k).runTo('scan')
    expect([k.boot.level, k.hasIomemInode]).toEqual(['subsys', false])
    const names = k.kernel.kernfsNodes.rows().map(({ name }) => name)
    expect(names).toEqual(['legacy_io', 'legacy_mem'])
    lateInit(k).finishes()
    expect(k.broken(mappingReady)).toBeUndefined()
  })

  it('would be the end of static attributes of 5.12: their mapping is not there at level 4', () => {
    const k = pSeries({ resourceFiles: 'static' }, false)
    lateInit(k).runTo('attributes').step()
    expect([k.boot.level, k.boot.panicked]).toEqual(['subsys', 1])
    const later = pSeries({ resourceFiles: 'static', sysfsMapping: 'atOpen' }, false)
    lateInit(later).finishes()
    expect(later.node()).toContain('→')
    expect(later.broken(bootComplete)).toBeUndefined()
  })
})

describe('W11, a claim before the inode', () => {
  const boot = () =>
    bootMachine({
      hosts: [{ name: 'pci0000:00', probe: 'subsys', devices: [DEVICE] }],
      admins: ['driver'],
      processes: ['app'],
    })
  const opens = (k: BootKernel) =>
    k.task('app').begins(sysfs_kf_bin_open, { dev: 1, name: 'resource0' })

  it('finds nobody who could have a mapping, and is BUSY for whoever comes later', () => {
    const k = boot()
    runToLevel(k.kernel, 'fs')
    const claim = {
      parent: IOMEM_RESOURCE,
      start: 0xfe000000,
      end: 0xfe0fffff,
      name: 'drv',
      flags: 0,
    }
    const node = k.task('driver').begins(__request_region, claim).finishes()
    const isBusy = () => (k.kernel.resources.at(node).flags & IORESOURCE.busy) !== 0
    expect([k.boot.level, k.hasIomemInode, isBusy()]).toEqual(['subsys', false, true])
    expect(filesOf(k.kernel, 1)).toEqual([])
    const refuse = sysfs_kf_bin_open.start?.refuse
    const app = k.task('app').id
    expect(
      refuse?.(k.kernel, { dev: k.kernel.pciDevs.at(1).id, name: 'resource0' }, app),
    ).toContain('No process runs before')
    lateInit(k).step()
    expect([k.boot.level, k.hasIomemInode, isBusy()]).toEqual(['fs', true, true])
    lateInit(k).finishes()
    expect([k.boot.level, k.hasIomemInode, isBusy()]).toEqual(['run', true, true])
    expect(opens(k).finishes()).toBe(0)
    expect(k.kernel.kernfsOpenFiles.at(1).f_mapping).toBe('iomem_inode')
  })

  it('has an open before the late initcall find no file, and up to 5.11 a mapping that nobody revokes', () => {
    const k = boot()
    runToLevel(k.kernel, 'late')
    expect(opens(k).finishes()).toBe(-ENOENT)
    const old = bootMachine(
      {
        hosts: [{ name: 'pci0000:00', probe: 'subsys', devices: [DEVICE] }],
        processes: ['app'],
      },
      { preset: 'v5.11' },
    )
    lateInit(old).finishes()
    expect(opens(old).finishes()).toBe(0)
    expect(old.kernel.kernfsOpenFiles.at(1).f_mapping).toBe('own')
  })

  it('leaves a NULL pointer for whoever opens a file where iomem_init_inode() was out of memory', () => {
    const k = boot()
    runToLevel(k.kernel, 'fs')
    const init = lateInit(k)
    k.kernel.machine.step(init.id, 1)
    init.finishes()
    const app = opens(k)
    app.runs()
    expect(app.row.signal).toBe('SIGSEGV')
    expect(k.kernel.machine.waiting(app.id)).toMatchObject({
      reason: 'never runs again: it died of an oops',
      state: 'X',
      interruptible: false,
    })
    expect(k.boot.panicked).toBe(0)
    expect(k.broken(mappingReady)).toContain('app called iomem_get_mapping()')
  })
})

describe('classes S1 and S2, the usual ones', () => {
  it('create once: a device of the boot by the initcall, a card of later by pci_bus_add_device()', () => {
    const slot = { name: '0000:03:00.0', bars: barSeeds(2, 0xfc000000), hotplug: true }
    const k = bootMachine({
      hosts: [{ name: 'pci0000:00', probe: 'subsys', devices: [DEVICE, slot] }],
      admins: ['pciehp'],
    })
    lateInit(k).finishes()
    expect([k.node(), k.resAttr()]).toEqual(['→L0', 'L0'])
    k.task('pciehp').begins(board_added, { dev: 2 }).finishes()
    expect(filesOf(k.kernel, 2)).toEqual(['resource0', 'resource1'])
    expect([k.resAttr(0, 2), k.resAttr(1, 2)]).toEqual(['B0', 'B1'])
    expect(k.log).toEqual([])
    expect(k.broken(bootComplete)).toBeUndefined()
    k.task('pciehp').begins(pci_stop_and_remove_bus_device, { dev: 2 }).finishes()
    expect(filesOf(k.kernel, 2)).toEqual([])
    expect(k.kernel.binAttributes.rows()).toHaveLength(1)
  })

  it('create a second file for a prefetchable BAR, where the architecture can map write-combining', () => {
    const [bar] = barSeeds(1)
    const device = {
      name: '0000:01:00.0',
      bars: bar === undefined ? [] : [{ ...bar, prefetch: true }],
    }
    const k = bootMachine({
      hosts: [{ name: 'pci0000:00', probe: 'subsys', devices: [device] }],
      mapsWc: true,
    })
    lateInit(k).finishes()
    expect(filesOf(k.kernel, 1)).toEqual(['resource0', 'resource0_wc'])
    expect(k.broken(oneResourceFile)).toBeUndefined()
  })
})
