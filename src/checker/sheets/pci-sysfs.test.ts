import { describe, expect, it } from 'vitest'
import { board_added, pci_stop_and_remove_bus_device } from '../../linux/drivers/pci/hotplug'
import { sysfs_kf_bin_open } from '../../linux/fs/sysfs/file'
import { isLevelReached } from '../../linux/init/boot-operation'
import { bootComplete } from '../../linux/invariants/boot-complete'
import { mappingReady } from '../../linux/invariants/mapping-ready'
import { oneResourceFile } from '../../linux/invariants/one-resource-file'
import type { Kernel } from '../../linux/kernel'
import { always } from '../../linux/operation'
import type { Invariant } from '../../machine'
import type { Act } from '../../scenarios/scenario'
import { asyncHost, barSeeds, bootMachine } from '../../testing/boot-kernel'
import { brokenIn, type Example, heldIn } from '../../testing/cells'
import { DEVICE, MUTEX, twoCreators } from '../../testing/iomem-examples'
import { allBut, released } from '../../testing/kernel-ranges'

const LATER = { name: '0000:02:00.0', bars: barSeeds(1, 0xfd000000) }
const CARD = { name: '0000:03:00.0', bars: barSeeds(1, 0xfc000000), hotplug: true }

/** W12: powerpc enumerates at level 4, and a bus has legacy files; a process opens a file later. */
const pSeries: Example = (preset, policies = {}) => {
  const host = { name: 'pci0000:00', probe: 'subsys', legacy: true, devices: [DEVICE] } as const
  const k = bootMachine({ hosts: [host], processes: ['app'] }, { preset, policies })
  const opens: Act = {
    who: 'app',
    operation: sysfs_kf_bin_open.name,
    args: () => ({ dev: 1, name: 'resource0' }),
  }
  return { kernel: k.kernel, acts: [opens] }
}
const UNGATED = { legacyFiles: 'ungated' }
/** iomem_get_mapping() is called when a file is created; later, when it is opened; before, never. */
const AT_CREATION = [...released('v5.12', 'v5.14'), 'surprise-remove-2021', 'pks-v7-2021']

/** I9, but for a machine where iomem_init_inode() has found no memory. */
const readyWithMemory = always({
  ...mappingReady,
  broken: (k) =>
    isLevelReached(k, 'fs') && k.globals.iomem_inode === 0 ? undefined : mappingReady.broken(k),
})

describe('I9, the mapping is ready', () => {
  it('breaks without the gate where the mapping is asked for at creation (W12)', () => {
    expect(brokenIn(mappingReady, pSeries, AT_CREATION, UNGATED)).toEqual([7])
  })

  it('holds in 5.12 with the gate, and in 5.15 and later, if iomem_init_inode() has memory', () => {
    expect(heldIn(readyWithMemory, pSeries, AT_CREATION)).toEqual([90])
    expect(heldIn(readyWithMemory, pSeries, released('v5.15'))).toEqual([120, 124])
    expect(heldIn(readyWithMemory, pSeries, released('v5.15'), UNGATED)).toEqual([110, 114])
    expect(heldIn(readyWithMemory, pSeries, ['static-attrs'])).toEqual([64])
  })

  it('breaks if it has none, with the gate as well: nobody looks whether there is an inode', () => {
    expect(brokenIn(mappingReady, pSeries, AT_CREATION)).toEqual([28])
    expect(brokenIn(mappingReady, pSeries, [...released('v5.15'), 'static-attrs'])).toEqual([
      32, 31, 26,
    ])
  })
})

const one = twoCreators(DEVICE)
const two = twoCreators(DEVICE, LATER)
/** States in which a property holds with one device, and with two. */
const heldWith = (
  property: Invariant<Kernel>,
  preset: string,
  policies: Readonly<Record<string, string>> = {},
): number[] => [one, two].flatMap((each) => heldIn(property, each, [preset], policies))
const TWO_CREATORS = allBut('static-attrs')

/** A card is put in and pulled out while all of that goes on. */
const hotplug: Example = (preset, policies = {}) => {
  const k = bootMachine(
    { hosts: [asyncHost(DEVICE, CARD)], admins: ['pciehp'] },
    { preset, policies },
  )
  const of = (operation: { readonly name: string }): Act => ({
    who: 'pciehp',
    operation: operation.name,
    args: () => ({ dev: 2 }),
  })
  return { kernel: k.kernel, acts: [of(board_added), of(pci_stop_and_remove_bus_device)] }
}

describe('I10, one file', () => {
  it('breaks where two create (W13), the pointer stored first or last', () => {
    expect(brokenIn(oneResourceFile, one, TWO_CREATORS)).toEqual([25, 26])
  })

  it('holds with static attributes, and with a mutex', () => {
    expect(heldWith(oneResourceFile, 'static-attrs')).toEqual([75, 115])
    expect(heldWith(oneResourceFile, 'v6.12', MUTEX)).toEqual([355, 1303])
  })

  it('holds so while a card comes and goes', () => {
    expect(heldIn(oneResourceFile, hotplug, ['static-attrs'])).toEqual([1499])
    expect(heldIn(oneResourceFile, hotplug, ['v6.12', 'v5.15'], MUTEX)).toEqual([13729, 14063])
  })
})

describe('I11, the boot is complete', () => {
  it('breaks where two create (W13, W13b)', () => {
    expect(brokenIn(bootComplete, one, TWO_CREATORS)).toEqual([34, 33])
    expect(brokenIn(bootComplete, two, TWO_CREATORS)).toEqual([46, 45])
  })

  it('breaks where the flag is set behind the loop (S4)', () => {
    expect(brokenIn(bootComplete, one, ['v6.12'], { resourceFiles: 'flagAfterLoop' })).toEqual([30])
  })

  it('holds with static attributes, and with a mutex', () => {
    expect(heldWith(bootComplete, 'static-attrs')).toEqual([75, 115])
    expect(heldWith(bootComplete, 'v6.12', MUTEX)).toEqual([355, 1303])
  })

  it('holds with static attributes while a card comes and goes, and with a mutex it does not', () => {
    expect(heldIn(bootComplete, hotplug, ['static-attrs'])).toEqual([1499])
    expect(brokenIn(bootComplete, hotplug, ['v6.12'], MUTEX)).toEqual([50])
  })
})

/** A shell removes the device that the boot is about. */
const removal: Example = (preset, policies = {}) => {
  const k = bootMachine({ hosts: [asyncHost(DEVICE)], admins: ['shell'] }, { preset, policies })
  const { name } = pci_stop_and_remove_bus_device
  return { kernel: k.kernel, acts: [{ who: 'shell', operation: name, args: () => ({ dev: 1 }) }] }
}

const freedOnce = always({
  name: 'freedOnce',
  claim: 'Nobody frees an attribute that is freed.',
  sources: [{ file: 'drivers/pci/pci-sysfs.c', fn: 'pci_create_attr', version: '5.10' }],
  broken(k) {
    const attr = k.binAttributes.find(({ frees }) => frees > 1)
    return attr && { table: 'binAttributes', id: attr.id, says: `${attr.name} is freed twice` }
  },
})

describe('a device that is removed while its files are created', () => {
  it('has an attribute freed twice, sooner where the pointer is stored first, also under a mutex', () => {
    expect(brokenIn(freedOnce, removal, ['v5.15'])).toEqual([27])
    expect(brokenIn(freedOnce, removal, ['v5.15'], MUTEX)).toEqual([34])
    expect(brokenIn(freedOnce, removal, ['v6.12'])).toEqual([34])
    expect(heldIn(freedOnce, removal, ['static-attrs'])).toEqual([111])
  })
})
