import { pointerOf, resourceFilesOf } from '../linux/drivers/pci/bars'
import { pci_device_add } from '../linux/drivers/pci/probe'
import { kernfsNode, nodesIn } from '../linux/fs/sysfs/dir'
import type { Kernel } from '../linux/kernel'
import { publishIomemInode } from '../linux/kernel/iomem-inode'
import {
  type BarSeed,
  type BootMachine,
  bootBootMachine,
  type DeviceSeed,
  type HostSeed,
} from '../scenarios/boot-machine'
import { run } from '../scenarios/pmem-machine'
import { setupOf } from './preset-setup'
import { TestKernel } from './test-kernel'

/** A boot in the words of the examples W12 and W13. */
export class BootKernel extends TestKernel {
  get boot() {
    return this.kernel.boots.at(1)
  }

  /** Whether iomem_inode has been published. */
  get hasIomemInode(): boolean {
    return this.kernel.globals.iomem_inode !== 0
  }

  /** `→L0` where the name of the creator’s thread begins with l: an attribute by owner and BAR. */
  attr(id: number): string {
    if (id === 0) return 'NULL'
    const { binAttributes, tasks } = this.kernel
    if (!binAttributes.isLive(id)) return 'gone'
    const { owner, name, frees } = binAttributes.at(id)
    const who = owner !== 0 && tasks.at(owner).name === 'swapper/0' ? 'L' : 'B'
    const freed = ['', ' (freed)', ' (freed twice)'][frees] ?? ` (freed ${frees} times)`
    return `${who}${name.replace('resource', '')}${freed}`
  }

  /** The attribute of a file of a device, or `–`. */
  node(name = 'resource0', dev = 1): string {
    const { id } = this.kernel.pciDevs.at(dev)
    const node = kernfsNode(this.kernel, { dev: id }, name)
    return node === undefined ? '–' : `→${this.attr(node.attr)}`
  }

  /** res_attr[number]. */
  resAttr(number = 0, dev = 1): string {
    const file = resourceFilesOf(this.kernel, dev).find(({ bar }) => bar.number === number)
    return file === undefined ? 'none' : this.attr(pointerOf(file))
  }

  get log(): string[] {
    return this.kernel.log.rows().map(({ line }) => line)
  }
}

interface Boot {
  readonly preset?: string
  readonly policies?: Readonly<Record<string, string>>
}

/** A machine before its first initcall. */
export function bootMachine(
  machine: BootMachine,
  { preset = 'v6.12', policies = {} }: Boot = {},
): BootKernel {
  return new BootKernel(bootBootMachine(setupOf(preset, policies), machine))
}

const BAR_SIZE = 0x100000

/** BARs of 1 MiB from fe000000 on, by number. */
export const barSeeds = (count: number, from = 0xfe000000): BarSeed[] =>
  Array.from({ length: count }, (_, number) => ({
    number,
    start: from + number * BAR_SIZE,
    length: BAR_SIZE,
  }))

/** A host bridge whose probe runs beside the initcalls. */
export const asyncHost = (...devices: readonly DeviceSeed[]): HostSeed => ({
  name: 'pci0000:00',
  probe: 'async',
  worker: 'worker',
  devices,
})

/**
 * Level 7, the devices in the klist and none of them added; pid 1 and `worker` are idle. Here the
 * tables of W13 begin, and the schedules that are counted.
 */
export function bootScanned(devices: readonly DeviceSeed[], boot: Boot = {}): BootKernel {
  const k = bootMachine(
    { hosts: [asyncHost(...devices)], admins: ['shell'], processes: ['app'], isIdle: true },
    boot,
  )
  k.boot.level = 'fs'
  publishIomemInode(k.kernel)
  for (const { id } of k.kernel.pciDevs.rows()) run(k.kernel, 'shell', pci_device_add, { dev: id })
  k.boot.level = 'late'
  return k
}

/** The names of the files of a device. */
export const filesOf = (k: Kernel, dev: number): string[] =>
  nodesIn(k, { dev: k.pciDevs.at(dev).id }).map(({ name }) => name)
