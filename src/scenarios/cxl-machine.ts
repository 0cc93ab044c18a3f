import { state_store } from '../linux/drivers/base/memory'
import { commit_store, cxl_region_probe } from '../linux/drivers/cxl/region'
import { create_region, cxl_region_attach } from '../linux/drivers/cxl/region-create'
import { IORESOURCE } from '../linux/include/ioport'
import { cxlInvariants } from '../linux/invariants'
import { createKernel, type Kernel, type Sizes } from '../linux/kernel'
import { mapAnonymous } from '../linux/mm/mmap'
import { lru_add_drain_all } from '../linux/mm/swap'
import { userStore } from '../linux/mm/user-access'
import { operations } from '../linux/operations'
import { policies } from '../linux/policies'
import { choosePolicies } from '../machine'
import { type MemorySeed, type ProcessSeed, seedMemory, seedThread } from './memory-machine'
import { type IomemSeed, run, seedIomem, seedZeroPage } from './pmem-machine'
import type { Setup } from './scenario'

/** Geometry G of the DAX sheet, §0.1. */
export const WINDOW = { start: 0x480000000, end: 0x67fffffff } as const
export const CARD_SIZE = 0x10000000
export const REGION_SIZE = 2 * CARD_SIZE

/** A machine with one CXL window, and two cards behind one switch of one host bridge. */
export interface CxlMachine {
  readonly processes: readonly ProcessSeed[]
  /** Root shells and kernel threads; the first one sets the machine up. */
  readonly admins: readonly string[]
  readonly devices?: readonly string[]
  readonly normal?: MemorySeed
  /** How the region is used: memory blocks online, offline, device_dax, or not made yet. */
  readonly region?: 'online_movable' | 'online_kernel' | 'offline' | 'devdax' | 'none'
  readonly sizes?: Partial<Sizes>
}

const iomem: readonly IomemSeed[] = [
  {
    name: 'System RAM',
    start: 0x100000,
    end: 0x7fffffff,
    flags: IORESOURCE.mem | IORESOURCE.busy | IORESOURCE.sysram,
    children: [],
  },
  {
    name: 'CXL Window 0',
    start: WINDOW.start,
    end: WINDOW.end,
    flags: IORESOURCE.mem,
    desc: 'CXL',
    children: [],
  },
]

/** One gigabyte of ordinary memory: room for what has to leave the cards. */
const NORMAL: MemorySeed = { start: 0x12345, pages: 0x40000 }

const DECODERS = 2

/** root0, port1 (host bridge), port2 (switch), and an endpoint for each card. */
function seedTopology(k: Kernel): void {
  const root = k.cxlPorts.make({ name: 'root0', kind: 'root' })
  const window = k.resources.rows().find(({ name }) => name === 'CXL Window 0')
  const top = k.cxlDecoders.make({
    name: 'decoder0.0',
    port: root.id,
    hpa_base: WINDOW.start,
    size: WINDOW.end + 1 - WINDOW.start,
    enabled: 1,
    committed: 1,
    resource: window?.id ?? 0,
  })
  const bridge = k.cxlPorts.make({ name: 'port1', kind: 'host_bridge', parent: root.id })
  const fork = k.cxlPorts.make({ name: 'port2', kind: 'switch', parent: bridge.id })
  k.cxlTargets.make({ decoder: top.id, position: 0, port: bridge.id })
  const cards = ['0000:0d:00.0', '0000:0e:00.0'].map((host, i) => {
    const memdev = k.cxlMemdevs.make({ name: `mem${i}`, host, serial: i, ram_size: CARD_SIZE })
    const name = `endpoint${3 + i}`
    const port = k.cxlPorts.make({ name, kind: 'endpoint', parent: fork.id, memdev: memdev.id })
    memdev.endpoint = port.id
    return port
  })
  seedDecoders(k, 1, bridge.id, [fork.id])
  seedDecoders(
    k,
    2,
    fork.id,
    cards.map(({ id }) => id),
  )
  cards.forEach(({ id }, i) => {
    seedDecoders(k, 3 + i, id, [])
  })
}

type PortRef = ReturnType<Kernel['cxlPorts']['at']>['id']

function seedDecoders(k: Kernel, number: number, port: PortRef, targets: readonly PortRef[]): void {
  for (let id = 0; id < DECODERS; id++) {
    const decoder = k.cxlDecoders.make({ name: `decoder${number}.${id}`, port, number: id })
    targets.forEach((target, position) => {
      k.cxlTargets.make({ decoder: decoder.id, position, port: target })
    })
  }
}

/** What root does to get a region of both cards that decodes; returns its number. */
export function seedRegion(k: Kernel, admin: string): number {
  const root = k.cxlDecoders.find(({ name }) => name === 'decoder0.0')
  const args = { root: root?.id ?? 0, ways: 2, granularity: 4096, size: REGION_SIZE }
  const region = run(k, admin, create_region, args)
  for (const { id, name } of k.cxlMemdevs.rows())
    run(k, admin, cxl_region_attach, { region, memdev: id, pos: Number(name.slice(3)) })
  run(k, admin, commit_store, { region, commit: 1 })
  return region
}

/** Boots it as far as the region is to be used. */
export function bootCxlMachine(setup: Setup, machine: CxlMachine): Kernel {
  const { processes, admins, devices = [], region = 'online_movable', sizes = {} } = machine
  const threads = processes.flatMap(({ threads: more = [] }) => more).length
  const k = createKernel({
    policy: choosePolicies(policies, setup.policies),
    operations,
    invariants: cxlInvariants,
    sizes: {
      tasks: processes.length + threads + admins.length + devices.length,
      mms: processes.length,
      resources: 16,
      zones: 16,
      namespaces: 3,
      depth: 12,
      cxlPorts: 5,
      hotplug: 1,
      ...sizes,
    },
  })
  seedIomem(k, iomem)
  seedZeroPage(k)
  k.hotplug.make()
  seedMemory(k, machine.normal ?? NORMAL, 'NORMAL')
  for (const { comm, pid, threads: more = [] } of processes) {
    const mm = k.mms.make({ comm, pid })
    k.tasks.make({ name: comm, role: 'process', mm: mm.id })
    for (const name of more) seedThread(k, comm, name)
  }
  for (const name of admins) k.tasks.make({ name, role: 'admin' })
  for (const name of devices) k.tasks.make({ name, role: 'device' })
  seedTopology(k)
  const [admin = ''] = admins
  if (region === 'none') return k
  const made = seedRegion(k, admin)
  run(k, admin, cxl_region_probe, { region: made, devdax: region === 'devdax' ? 1 : 0 })
  if (region === 'devdax' || region === 'offline') return k
  for (const { start, end } of k.memoryBlocks.runs())
    for (let block = start; block < end; block++)
      run(k, admin, state_store, { block, state: region })
  return k
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
