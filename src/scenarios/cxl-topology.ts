import { state_store } from '../linux/drivers/base/memory'
import { commit_store, cxl_region_probe } from '../linux/drivers/cxl/region'
import { create_region, cxl_region_attach } from '../linux/drivers/cxl/region-create'
import type { Kernel, Sizes } from '../linux/kernel'
import { run } from './pmem-machine'

/** A memory device with its card. */
export interface MemdevSeed {
  readonly name: string
  /** The PCI function. */
  readonly host: string
  /** Serial number of the card, up to 2^31; 0 where it is larger. */
  readonly serial: number
  /** Bytes of volatile capacity. */
  readonly ramSize: number
}

/** A port below a root, with what hangs below it. */
export interface PortSeed {
  readonly name: string
  readonly kind: 'host_bridge' | 'switch' | 'endpoint'
  /** How many HDM decoders it has. */
  readonly decoders: number
  readonly ports: readonly PortSeed[]
  readonly memdev?: MemdevSeed
}

/** A root decoder: a fixed range of host physical addresses that goes to one host bridge. */
export interface WindowSeed {
  readonly decoder: string
  readonly resource: string
  readonly start: number
  /** Inclusive. */
  readonly end: number
  readonly bridge: string
}

/** An interleave set, and how its memory is used. */
export interface RegionSeed {
  readonly window: string
  readonly granularity: number
  readonly size: number
  /** The memory devices by position. */
  readonly memdevs: readonly string[]
  readonly use: RegionUse
}

/** Memory blocks online or offline, or a DAX device. */
export type RegionUse = 'online_movable' | 'online_kernel' | 'offline' | 'devdax'

export interface CxlTopology {
  readonly windows: readonly WindowSeed[]
  readonly bridges: readonly PortSeed[]
}

/** Ports of a topology, from the host bridges down. */
export const portsOf = (ports: readonly PortSeed[]): PortSeed[] =>
  ports.flatMap((port) => [port, ...portsOf(port.ports)])

/** Rows that a topology needs, with room for another region or two. */
export function topologySizes({ bridges, windows }: CxlTopology, regions: number): Partial<Sizes> {
  const ports = portsOf(bridges)
  const decoders = windows.length + ports.reduce((sum, port) => sum + port.decoders, 0)
  const targets =
    windows.length + ports.reduce((sum, port) => sum + port.decoders * port.ports.length, 0)
  return {
    cxlPorts: Math.max(ports.length + 1, Math.ceil(decoders / 3), Math.ceil(targets / 4)),
    cxlRegions: regions + 2,
  }
}

type PortRef = ReturnType<Kernel['cxlPorts']['at']>['id']

/** Makes root0 with its decoders, and every port, decoder and card below it. Windows are in iomem. */
export function seedTopology(k: Kernel, { windows, bridges }: CxlTopology): void {
  const root = k.cxlPorts.make({ name: 'root0', kind: 'root' })
  const decoders = windows.map(({ decoder, resource, start, end }, number) => {
    const node = k.resources.rows().find((row) => row.name === resource && row.start === start)
    return k.cxlDecoders.make({
      name: decoder,
      port: root.id,
      number,
      hpa_base: start,
      size: end + 1 - start,
      enabled: 1,
      committed: 1,
      resource: node?.id ?? 0,
    })
  })
  const ports = new Map(bridges.map((bridge) => [bridge.name, seedPort(k, bridge, root.id)]))
  decoders.forEach(({ id }, i) => {
    const port = ports.get(windows[i]?.bridge ?? '')
    if (port !== undefined) k.cxlTargets.make({ decoder: id, position: 0, port })
  })
}

function seedPort(
  k: Kernel,
  { name, kind, decoders, ports, memdev }: PortSeed,
  parent: PortRef,
): PortRef {
  const port = k.cxlPorts.make({ name, kind, parent })
  if (memdev !== undefined) {
    const { name: called, host, serial, ramSize } = memdev
    const card = k.cxlMemdevs.make({ name: called, host, serial, ram_size: ramSize })
    port.memdev = card.id
    card.endpoint = port.id
  }
  const prefix = `decoder${name.replace(/^\D+/, '')}`
  const made = Array.from({ length: decoders }, (_, number) =>
    k.cxlDecoders.make({ name: `${prefix}.${number}`, port: port.id, number }),
  )
  ports.forEach((each, position) => {
    const target = seedPort(k, each, port.id)
    for (const { id } of made) k.cxlTargets.make({ decoder: id, position, port: target })
  })
  return port.id
}

/** What root does to get a region that decodes; returns its number, or what the kernel answered. */
export function makeRegion(k: Kernel, admin: string, seed: Omit<RegionSeed, 'use'>): number {
  const { window, granularity, size, memdevs } = seed
  const root = k.cxlDecoders.find(({ name }) => name === window)?.id ?? 0
  const region = run(k, admin, create_region, { root, ways: memdevs.length, granularity, size })
  if (region < 0) return region
  memdevs.forEach((memdev, pos) => {
    const id = k.cxlMemdevs.find(({ name }) => name === memdev)?.id ?? 0
    run(k, admin, cxl_region_attach, { region, memdev: id, pos })
  })
  run(k, admin, commit_store, { region, commit: 1 })
  return region
}

/** Binds its driver, and puts its memory to use. */
export function putToUse(k: Kernel, admin: string, region: number, use: RegionUse): void {
  const before = k.memoryBlocks.runs().map(({ start, end }) => ({ start, end }))
  run(k, admin, cxl_region_probe, { region, devdax: use === 'devdax' ? 1 : 0 })
  if (use === 'devdax' || use === 'offline') return
  const isNew = (block: number) => !before.some(({ start, end }) => start <= block && block < end)
  for (const { start, end } of k.memoryBlocks.runs())
    for (let block = start; block < end; block++)
      if (isNew(block)) run(k, admin, state_store, { block, state: use })
}
