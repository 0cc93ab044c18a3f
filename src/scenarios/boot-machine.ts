import { pci_host_probe } from '../linux/drivers/pci/probe'
import type { InitcallLevel } from '../linux/include/init'
import { IORESOURCE } from '../linux/include/ioport'
import { do_initcalls } from '../linux/init/main'
import { bootInvariants } from '../linux/invariants/families/boot'
import { createKernel, type Kernel, type Sizes } from '../linux/kernel'
import { INIT } from '../linux/kernel/iomem-inode'
import { operations } from '../linux/operations'
import { policies } from '../linux/policies'
import { choosePolicies } from '../machine'
import { type IomemSeed, seedIomem } from './pmem-machine'
import type { Setup } from './scenario'

/** A BAR that is not empty. */
export interface BarSeed {
  readonly number: number
  readonly start: number
  readonly length: number
  readonly prefetch?: boolean
}

/** A device behind the root bus of a host bridge. */
export interface DeviceSeed {
  readonly name: string
  readonly bars: readonly BarSeed[]
  /** It is not in its slot at boot. */
  readonly hotplug?: boolean
}

/** A host bridge, and who enumerates it: an initcall, or the worker of this name. */
export interface HostSeed {
  readonly name: string
  readonly probe: 'subsys' | 'async' | 'dependency'
  readonly worker?: string
  /** The architecture has legacy_io and legacy_mem. */
  readonly legacy?: boolean
  readonly devices: readonly DeviceSeed[]
}

/** A machine that boots. */
export interface BootMachine {
  readonly hosts: readonly HostSeed[]
  /** pciehp, shells and drivers, idle at first. */
  readonly admins?: readonly string[]
  /** Programs that user space will run. */
  readonly processes?: readonly string[]
  /** arch_can_pci_mmap_wc(). */
  readonly mapsWc?: boolean
  /** Nothing runs by itself: a caller begins what is to run. */
  readonly isIdle?: boolean
  readonly sizes?: Partial<Sizes>
}

const bars = ({ hosts }: BootMachine): readonly BarSeed[] =>
  hosts.flatMap(({ devices }) => devices.flatMap((device) => device.bars))

/** The windows of the host bridges, each with its BARs: nobody has claimed any of them. */
const iomemOf = ({ hosts }: BootMachine): IomemSeed[] =>
  hosts
    .map(({ name, devices }): IomemSeed => {
      const children = devices
        .flatMap((device) =>
          device.bars.map(({ start, length, prefetch = false }): IomemSeed => {
            const flags = IORESOURCE.mem | (prefetch ? IORESOURCE.prefetch : 0)
            return { name: device.name, start, end: start + length - 1, flags, children: [] }
          }),
        )
        .sort((a, b) => a.start - b.start)
      const start = children[0]?.start ?? 0
      const end = children.at(-1)?.end ?? 0
      const bus = name.replace(/^pci/, 'PCI Bus ')
      return { name: bus, start, end, flags: IORESOURCE.mem, children }
    })
    .filter(({ children }) => children.length > 0)
    .sort((a, b) => a.start - b.start)

function seedHost(k: Kernel, { name, probe, legacy = false, devices }: HostSeed): void {
  const host = k.pciHosts.make({ name, probe, legacy: legacy ? 1 : 0 })
  for (const { name: device, bars: own, hotplug = false } of devices) {
    const dev = k.pciDevs.make({ name: device, host: host.id, hotplug: hotplug ? 1 : 0 })
    for (const { number, start, length, prefetch = false } of own)
      k.pciBars.make({ dev: dev.id, number, start, length, prefetch: prefetch ? 1 : 0 })
  }
}

/** The machine before its first initcall: pid 1 is about to run them, and its workers wait for work. */
export function bootBootMachine(setup: Setup, machine: BootMachine): Kernel {
  const { hosts, admins = [], processes = [], mapsWc = false, isIdle = false, sizes = {} } = machine
  const workers = hosts.flatMap(({ worker }) => worker ?? [])
  const devices = hosts.flatMap((host) => host.devices)
  const k = createKernel({
    policy: choosePolicies(policies, setup.policies),
    operations,
    invariants: bootInvariants,
    sizes: {
      tasks: 1 + workers.length + admins.length + processes.length,
      depth: 6,
      mms: 0,
      vmas: 0,
      inodes: 1,
      pins: 0,
      pipes: 0,
      stableNodes: 0,
      zones: 0,
      namespaces: 0,
      resources: 1 + hosts.length + bars(machine).length + 4,
      pciDevs: Math.max(devices.length, hosts.length),
      ...sizes,
    },
  })
  seedIomem(k, iomemOf(machine))
  k.boots.make({ mmap_wc: mapsWc ? 1 : 0 })
  const init = k.tasks.make({ name: INIT, role: 'admin' })
  for (const host of hosts) seedHost(k, host)
  for (const name of admins) k.tasks.make({ name, role: 'admin' })
  for (const name of processes) k.tasks.make({ name, role: 'process' })
  for (const name of workers) k.tasks.make({ name, role: 'admin' })
  if (isIdle) return k
  k.machine.start(init.id, do_initcalls, {})
  for (const { name, worker } of hosts) {
    const host = k.pciHosts.find((each) => each.name === name)?.id
    const task = k.tasks.find((each) => each.name === worker)
    if (task !== undefined && host !== undefined) k.machine.start(task.id, pci_host_probe, { host })
  }
  return k
}

/** Runs pid 1, and nobody else, until the initcalls of a level are about to begin. */
export function runToLevel(k: Kernel, level: InitcallLevel): void {
  const init = k.tasks.find(({ name }) => name === INIT)?.id ?? 0
  while (k.machine.canStep(init) && k.machine.frames(init)[0]?.step.name !== level)
    k.machine.step(init)
}
