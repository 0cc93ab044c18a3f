import { DAX_KINDS, type DaxRegion, daxListing } from './daxctl'
import { type Device, namedBy, readDevices, type Tool } from './text/devices'
import { readPastedJson } from './text/pasted-json'
import type { Result } from './text/result'
import { address, type Facts, int, Shape, size, text } from './text/shape'

const BUS = { provider: text, scrub_state: text }
const DIMM = { id: text, handle: address, phys_id: address, security: text, state: text }
const REGION = {
  size,
  align: size,
  available_size: size,
  type: text,
  numa_node: int,
  target_node: int,
  iset_id: address,
  persistence_domain: text,
  state: text,
}
const NAMESPACE = {
  /** fsdax, devdax, sector or raw. */
  mode: text,
  /** Where its struct pages are: "mem" is ordinary memory, "dev" the device itself. */
  map: text,
  size,
  uuid: text,
  name: text,
  blockdev: text,
  chardev: text,
  align: size,
  sector_size: size,
  numa_node: int,
  target_node: int,
  badblock_count: int,
  state: text,
}

/** Objects of `ndctl list` (ndctl: util/json.c, ndctl/list.c): the name tells the kind. */
const ND_KINDS = {
  bus: { name: namedBy('dev', /^ndbus\d/), facts: BUS },
  dimm: { name: namedBy('dev', /^nmem\d/), facts: DIMM },
  region: { name: namedBy('dev', /^region\d/), facts: REGION },
  namespace: { name: namedBy('dev', /^namespace\d/), facts: NAMESPACE },
  ...DAX_KINDS,
} as const

type NdNode = Device<typeof ND_KINDS>

export interface NdctlNamespace extends Facts<typeof NAMESPACE> {
  /** "namespace0.0", which is also the name of its node in /proc/iomem. */
  readonly dev: string
  /** Of a devdax namespace. */
  readonly daxregion?: DaxRegion
}

export interface NdctlRegion extends Facts<typeof REGION> {
  readonly dev: string
  readonly namespaces: readonly NdctlNamespace[]
}

export interface NdctlDimm extends Facts<typeof DIMM> {
  readonly dev: string
}

export interface NdctlListing {
  readonly regions: readonly NdctlRegion[]
  /** Namespaces that were listed outside a region. */
  readonly namespaces: readonly NdctlNamespace[]
  readonly dimms: readonly NdctlDimm[]
}

const TOOL: Tool<typeof ND_KINDS> = {
  command: 'ndctl list',
  kinds: ND_KINDS,
  groups: new Set('buses dimms regions namespaces daxregion devices'.split(' ')),
}

/** Reads what `ndctl list` printed (best with -RNDv), with or without -u. Leaves out badblocks and health. */
export function readNdctl(given: string): Result<NdctlListing> {
  const json = readPastedJson(given)
  if (!json.ok) return json
  const shape = new Shape()
  const nodes = readDevices(shape, TOOL, json.value)
  if (nodes.length === 0) shape.warn('The list has no device: run `ndctl list -RNDv` as root.')
  return shape.result(listingOf(nodes.flatMap(insideBuses)))
}

const insideBuses = (node: NdNode): NdNode[] => (node.kind === 'bus' ? node.children : [node])

function listingOf(nodes: readonly NdNode[]): NdctlListing {
  const regions: NdctlRegion[] = []
  const namespaces: NdctlNamespace[] = []
  const dimms: NdctlDimm[] = []
  for (const node of nodes) {
    if (node.kind === 'region')
      regions.push({
        dev: node.name,
        ...node.facts,
        namespaces: listingOf(node.children).namespaces,
      })
    if (node.kind === 'namespace') namespaces.push(namespaceOf(node))
    if (node.kind === 'dimm') dimms.push({ dev: node.name, ...node.facts })
  }
  return { regions, namespaces, dimms }
}

function namespaceOf({ name, facts, children }: NdNode & { kind: 'namespace' }): NdctlNamespace {
  const [daxregion] = daxListing(children.filter(isDax)).regions
  return { dev: name, ...facts, ...(daxregion === undefined ? {} : { daxregion }) }
}

const isDax = (node: NdNode) => node.kind === 'daxregion'
