import { IORESOURCE } from '../linux/include/ioport'
import { cxlInvariants } from '../linux/invariants/families/cxl'
import { createKernel, type Kernel, type Sizes } from '../linux/kernel'
import { mapAnonymous } from '../linux/mm/mmap'
import { lru_add_drain_all } from '../linux/mm/swap'
import { userStore } from '../linux/mm/user-access'
import { operations } from '../linux/operations'
import { policies } from '../linux/policies'
import { choosePolicies } from '../machine'
import {
  type CxlTopology,
  makeRegion,
  type PortSeed,
  putToUse,
  type RegionSeed,
  type RegionUse,
  seedTopology,
  topologySizes,
} from './cxl-topology'
import { type MemorySeed, type ProcessSeed, seedMemory, seedThread } from './memory-machine'
import { type IomemSeed, run, seedIomem, seedZeroPage } from './pmem-machine'
import type { Setup } from './scenario'

/** Geometry G of the DAX sheet, §0.1. */
export const WINDOW = { start: 0x480000000, end: 0x67fffffff } as const
export const CARD_SIZE = 0x10000000
export const REGION_SIZE = 2 * CARD_SIZE

/** A machine with CXL: as a rule, one window, and two cards behind one switch of one host bridge. */
export interface CxlMachine {
  readonly processes: readonly ProcessSeed[]
  /** Root shells and kernel threads; the first one sets the machine up. */
  readonly admins: readonly string[]
  readonly devices?: readonly string[]
  readonly normal?: MemorySeed
  /** How the region is used: memory blocks online, offline, device_dax, or not made yet. */
  readonly region?: RegionUse | 'none'
  readonly topology?: CxlTopology
  /** Regions of a topology of its own, and how they are used. */
  readonly regions?: readonly RegionSeed[]
  readonly sizes?: Partial<Sizes>
}

const ram: IomemSeed = {
  name: 'System RAM',
  start: 0x100000,
  end: 0x7fffffff,
  flags: IORESOURCE.mem | IORESOURCE.busy | IORESOURCE.sysram,
  children: [],
}

/** The tree of the machine: ordinary memory, and a window for each root decoder. */
const iomemOf = ({ windows }: CxlTopology): IomemSeed[] => [
  ram,
  ...windows.map(
    ({ resource: name, start, end }): IomemSeed => ({
      name,
      start,
      end,
      flags: IORESOURCE.mem,
      desc: 'CXL',
      children: [],
    }),
  ),
]

/** One gigabyte of ordinary memory: room for what has to leave the cards. */
const NORMAL: MemorySeed = { start: 0x12345, pages: 0x40000 }

const card = (i: number): PortSeed => ({
  name: `endpoint${3 + i}`,
  kind: 'endpoint',
  decoders: 2,
  ports: [],
  memdev: { name: `mem${i}`, host: `0000:0${'de'[i]}:00.0`, serial: i, ramSize: CARD_SIZE },
})

/** root0, port1 (host bridge), port2 (switch), and an endpoint for each card. */
const qemuTopology: CxlTopology = {
  windows: [
    {
      decoder: 'decoder0.0',
      resource: 'CXL Window 0',
      start: WINDOW.start,
      end: WINDOW.end,
      bridge: 'port1',
    },
  ],
  bridges: [
    {
      name: 'port1',
      kind: 'host_bridge',
      decoders: 2,
      ports: [{ name: 'port2', kind: 'switch', decoders: 2, ports: [card(0), card(1)] }],
    },
  ],
}

/** Both cards, interleaved. */
const REGION = {
  window: 'decoder0.0',
  granularity: 4096,
  size: REGION_SIZE,
  memdevs: ['mem0', 'mem1'],
} as const

/** What root does to get a region of both cards that decodes; returns its number. */
export const seedRegion = (k: Kernel, admin: string): number => makeRegion(k, admin, REGION)

/** Boots it as far as its regions are to be used. */
export function bootCxlMachine(setup: Setup, machine: CxlMachine): Kernel {
  const { admins, topology = qemuTopology, region = 'online_movable' } = machine
  const regions = machine.regions ?? (region === 'none' ? [] : [{ ...REGION, use: region }])
  const k = createKernel({
    policy: choosePolicies(policies, setup.policies),
    operations,
    invariants: cxlInvariants,
    sizes: sizesOf(machine, topology, regions.length),
  })
  seedIomem(k, iomemOf(topology))
  seedZeroPage(k)
  k.hotplug.make()
  seedMemory(k, machine.normal ?? NORMAL, 'NORMAL')
  seedActors(k, machine)
  seedTopology(k, topology)
  const [admin = ''] = admins
  for (const seed of regions) {
    const made = makeRegion(k, admin, seed)
    if (made > 0) putToUse(k, admin, made, seed.use)
  }
  return k
}

function sizesOf(
  { processes, admins, devices = [], sizes = {} }: CxlMachine,
  topology: CxlTopology,
  regions: number,
): Partial<Sizes> {
  const threads = processes.flatMap(({ threads: more = [] }) => more).length
  return {
    tasks: processes.length + threads + admins.length + devices.length,
    mms: processes.length,
    resources: 12 + topology.windows.length + 3 * regions,
    zones: 12 + 4 * regions,
    namespaces: 2 + regions,
    depth: 12,
    ...topologySizes(topology, regions),
    hotplug: 1,
    ...sizes,
  }
}

function seedActors(k: Kernel, { processes, admins, devices = [] }: CxlMachine): void {
  for (const { comm, pid, threads: more = [] } of processes) {
    const mm = k.mms.make({ comm, pid })
    k.tasks.make({ name: comm, role: 'process', mm: mm.id })
    for (const name of more) seedThread(k, comm, name)
  }
  for (const name of admins) k.tasks.make({ name, role: 'admin' })
  for (const name of devices) k.tasks.make({ name, role: 'device' })
}

/** Maps one page for a process, at the physical page that the story wants, and writes it. */
export function seedPageAt(
  k: Kernel,
  who: string,
  { pfn, value, label = 'buf' }: { pfn: number; value: number; label?: string },
): void {
  run(k, who, mapAnonymous, { pages: 1, huge: 0, label })
  const vpn = k.vmas.find((vma) => vma.label === label)?.vm_start ?? 0
  const others = [...k.freePages.runs(0, pfn), ...k.freePages.runs(pfn + 1)]
  for (const { start, end } of others) k.freePages.clear(start, end)
  run(k, who, userStore, { vpn, value, offset: 0 })
  for (const { start, end, isolated } of others) k.freePages.fill(start, end, { isolated })
  lru_add_drain_all(k)
}

/** The newest region; 0 where there is none. */
export const regionOf = (k: Kernel): number => k.cxlRegions.rows().at(-1)?.id ?? 0

/** Blocks of the first region that are online. */
export const onlineBlocks = (k: Kernel): number =>
  k.memoryBlocks
    .runs()
    .filter(({ state }) => state === 'online')
    .reduce((sum, { length }) => sum + length, 0)

/** Where a region is, as an address. */
export function addressOf(k: Kernel, region: number): string {
  return k.cxlRegions.isLive(region) ? `0x${k.cxlRegions.at(region).start.toString(16)}` : 'nowhere'
}

/** True if the claim of kmem outlived its driver. */
export const isLeaked = (k: Kernel): boolean =>
  k.devDaxes.find(({ driver }) => driver === 'kmem') === undefined &&
  k.resources.find(({ name }) => name === 'System RAM (kmem)') !== undefined
