import { PAGE_SIZE } from '../linux/include/mm'
import { machineScenario } from '../scenarios/machine'
import type { IomemSeed, NamespaceSeed } from '../scenarios/pmem-machine'
import type { Scenario } from '../scenarios/scenario'
import type { IomemListing, IomemNode } from './iomem'
import { inferFlags } from './iomem-flags'
import type { NdctlRegion } from './ndctl'
import { failure, type Result, success } from './text/result'

/** Physical addresses of x86-64 have at most 52 bits. */
const TOP = 1n << 52n
const PAGE = BigInt(PAGE_SIZE)

/** A claim of the pmem driver: the engine makes it itself, when it binds the driver. */
const isClaim = ({ name }: IomemNode): boolean => /^namespace\d+\.\d+$/.test(name)

/** The scenario "what if, on this machine?", from its /proc/iomem and, if there, `ndctl list`. */
export function machineOf(
  listing: IomemListing,
  regions: readonly NdctlRegion[],
): Result<Scenario> {
  if (listing.redacted)
    return failure(
      'All addresses are zero, so there is no machine to simulate: read /proc/iomem as root.',
    )
  const wide = allNodes(listing.nodes).find(({ end }) => end >= TOP)
  if (wide !== undefined)
    return failure(`Line ${wide.line}: the address is above 52 bits, more than x86-64 has.`, {
      line: wide.line,
    })
  const namespaces = allNodes(listing.nodes).filter(isClaim).map(seedOf)
  const modes = new Map(
    regions.flatMap((region) => region.namespaces).map(({ dev, mode }) => [dev, mode]),
  )
  const other = namespaces.find(({ name }) => (modes.get(name) ?? 'fsdax') !== 'fsdax')
  const missing = [...modes.keys()].find((dev) => !namespaces.some(({ name }) => name === dev))
  const warnings = [
    ...(other === undefined
      ? []
      : [`${other.name} is in mode ${modes.get(other.name)}; it is simulated as fsdax.`]),
    ...(missing === undefined
      ? []
      : [`${missing} of ndctl list has no range in the iomem listing: it is left out.`]),
    ...(namespaces.length > 0
      ? []
      : ['No pmem namespace is bound on this machine: ranges can be claimed and released.']),
  ]
  const seeds = listing.nodes.filter((node) => !isClaim(node)).map(seedTree)
  return success(
    machineScenario('machine', { title: 'An imported machine', iomem: seeds, namespaces }),
    warnings,
  )
}

function allNodes(nodes: readonly IomemNode[]): IomemNode[] {
  const found: IomemNode[] = []
  const open = [...nodes].reverse()
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    found.push(node)
    for (let i = node.children.length - 1; i >= 0; i--) open.push(node.children[i] as IomemNode)
  }
  return found
}

const seedOf = ({ name, start, end }: IomemNode): NamespaceSeed => ({
  name,
  start: Number(start / PAGE),
  end: Number((end + 1n) / PAGE),
})

/** A node and what is below it, without claims of the pmem driver. Depth is bounded by the listing's. */
function seedTree(node: IomemNode): IomemSeed {
  const root = bareSeed(node)
  const open: { node: IomemNode; seed: ReturnType<typeof bareSeed> }[] = [{ node, seed: root }]
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const child of next.node.children) {
      if (isClaim(child)) continue
      const seed = bareSeed(child)
      next.seed.children.push(seed)
      open.push({ node: child, seed })
    }
  return root
}

const bareSeed = (node: IomemNode) => ({
  name: node.name,
  start: Number(node.start),
  end: Number(node.end),
  flags: inferFlags(node) | 0,
  children: [] as IomemSeed[],
})
