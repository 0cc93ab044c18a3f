import {
  type PortSeed,
  portsOf,
  type RegionSeed,
  type RegionUse,
  type WindowSeed,
} from '../scenarios/cxl-topology'
import { cxlWhatIf } from '../scenarios/cxl-what-if'
import { openScenario } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import type { CxlNode } from './cxl'
import { failure, type Result, success } from './text/result'

type Node<K extends CxlNode['kind']> = Extract<CxlNode, { kind: K }>

/** Ports of a machine that is simulated; larger machines exist, and nobody could read their drawing. */
const MAX_PORTS = 200
const MAX_REGIONS = 16

/** Bytes of a region whose memory blocks are brought online, one by one, before the page shows it. */
const MAX_ONLINE = 2 ** 40

/** Addresses of x86-64 have at most 52 bits. */
const TOP = 1n << 52n

const ofKind = <K extends CxlNode['kind']>(nodes: readonly CxlNode[], kind: K): Node<K>[] =>
  nodes.filter((node): node is Node<K> => node.kind === kind)

const everything = (nodes: readonly CxlNode[]): CxlNode[] =>
  nodes.flatMap((node) => [node, ...everything(node.children)])

/** The scenario "what if a card is pulled?", from `cxl list -vv`. */
export function cxlMachineOf(nodes: readonly CxlNode[]): Result<Scenario> {
  const buses = ofKind(nodes, 'bus')
  const [bus] = buses
  if (bus === undefined)
    return failure('The list has no bus, so no decoders and ports to simulate: run `cxl list -vv`.')
  const warnings: string[] = []
  if (buses.length > 1)
    warnings.push(`Only ${bus.name} is simulated: the list has ${buses.length} buses.`)
  const bridges = ofKind(bus.children, 'port').map((port) => portSeed(port, 'host_bridge'))
  if (portsOf(bridges).length > MAX_PORTS)
    return failure(`The machine has more than ${MAX_PORTS} CXL ports, the most that is simulated.`)
  const windows = ofKind(bus.children, 'decoder').flatMap((decoder) =>
    windowSeed(decoder, bus.children, warnings),
  )
  if (windows.length === 0)
    return failure('The list has no root decoder with an address: run `cxl list -vv` as root.')
  const regions = regionSeeds(bus, windows, warnings)
  const scenario = cxlWhatIf({ windows, bridges }, regions, warnings)
  const differ = comparedWith(scenario, regions)
  return success(scenario, [...warnings, ...differ])
}

function portSeed(node: Node<'port'> | Node<'endpoint'>, kind: PortSeed['kind']): PortSeed {
  const memdev = ofKind(node.children, 'memdev')[0]
  const ports = [
    ...ofKind(node.children, 'port').map((port) => portSeed(port, 'switch')),
    ...ofKind(node.children, 'endpoint').map((endpoint) => portSeed(endpoint, 'endpoint')),
  ]
  const decoders = ofKind(node.children, 'decoder').length
  return {
    name: node.name,
    kind,
    decoders: Math.min(16, Math.max(2, decoders)),
    ports,
    ...(memdev === undefined ? {} : { memdev: memdevSeed(memdev) }),
  }
}

const memdevSeed = ({ name, facts }: Node<'memdev'>) => ({
  name,
  host: facts.host ?? '',
  serial: facts.serial !== undefined && facts.serial < 1n << 31n ? Number(facts.serial) : 0,
  ramSize: facts.ram_size ?? 0,
})

function windowSeed(
  { name, facts }: Node<'decoder'>,
  below: readonly CxlNode[],
  warnings: string[],
): WindowSeed[] {
  const { resource, size = 0, targets = [] } = facts
  if (resource === undefined || size === 0) return []
  if (resource + BigInt(size) > TOP) {
    warnings.push(`${name} is left out: it ends above 52 bits, more than x86-64 has.`)
    return []
  }
  if (targets.length > 1)
    warnings.push(
      `${name} interleaves ${targets.length} host bridges; only the first is simulated.`,
    )
  const [first] = targets
  const bridge = ofKind(below, 'port').find(({ facts: { host } }) => host === first?.target)
  const start = Number(resource)
  return [
    {
      decoder: name,
      resource: `CXL Window ${name.replace(/^.*\./, '')}`,
      start,
      end: start + size - 1,
      bridge: bridge?.name ?? ofKind(below, 'port')[0]?.name ?? '',
    },
  ]
}

/** Regions of volatile memory below the root decoders, lowest address first. */
function regionSeeds(
  bus: Node<'bus'>,
  windows: readonly WindowSeed[],
  warnings: string[],
): (RegionSeed & Named)[] {
  const found = ofKind(bus.children, 'decoder')
    .filter(({ name }) => windows.some(({ decoder }) => decoder === name))
    .flatMap((decoder) =>
      ofKind(decoder.children, 'region').map((region) => ({ window: decoder.name, region })),
    )
    .sort((a, b) => Number((a.region.facts.resource ?? 0n) - (b.region.facts.resource ?? 0n)))
  if (found.length > MAX_REGIONS)
    warnings.push(`Only the first ${MAX_REGIONS} of ${found.length} regions are simulated.`)
  return found.slice(0, MAX_REGIONS).flatMap(({ window, region }) => {
    const seed = regionSeed(window, region)
    if (typeof seed === 'string') {
      warnings.push(seed)
      return []
    }
    if (seed.size > MAX_ONLINE)
      warnings.push(`The memory blocks of ${seed.name} are left offline: it is larger than 1 TiB.`)
    return [seed]
  })
}

/** What the listing said, to compare with what the kernel makes of it. */
interface Named {
  readonly name: string
  readonly start: number
}

function regionSeed(window: string, { name, facts, children }: Node<'region'>) {
  const {
    type,
    resource = 0n,
    size = 0,
    interleave_granularity: granularity = 256,
    mappings = [],
  } = facts
  if (type === 'pmem') return `${name} is left out: regions of persistent memory are not simulated.`
  if (mappings.length === 0)
    return `${name} is left out: the list does not say which cards it maps.`
  const memdevs = [...mappings]
    .sort((a, b) => (a.position ?? 0) - (b.position ?? 0))
    .map(({ memdev = '' }) => memdev)
  return {
    name,
    start: Number(resource),
    window,
    granularity,
    size,
    memdevs,
    use: size > MAX_ONLINE ? ('offline' as const) : regionUse(children),
  }
}

/** How a region’s memory is used, by its first DAX device. */
function regionUse(children: readonly CxlNode[]): RegionUse {
  const device = ofKind(everything(children), 'daxdevice')[0]?.facts
  if (device?.mode === 'devdax') return 'devdax'
  if ((device?.online_memblocks ?? 0) === 0) return 'offline'
  return device?.movable === false ? 'online_kernel' : 'online_movable'
}

/** Sentences about regions that the engine could not make as they were listed. */
function comparedWith(scenario: Scenario, regions: readonly (RegionSeed & Named)[]): string[] {
  const opened = openScenario(scenario)
  if (typeof opened === 'string') return [opened]
  const made = opened.timeline.kernel.cxlRegions.rows()
  return regions.flatMap(({ name, start }) => {
    if (made.some((region) => region.start === start && region.state === 'COMMIT')) return []
    return [`${name} could not be made again where it was, at 0x${start.toString(16)}.`]
  })
}
