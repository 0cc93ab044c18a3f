import type { IORES_DESC } from '../include/ioport'
import { IORESOURCE } from '../include/ioport'
import { PAGE_SIZE } from '../include/mm'
import type { Kernel } from '../kernel'
import { childrenOf, IOMEM_RESOURCE, overlaps, type Resource } from './resource-tree'

type Desc = (typeof IORES_DESC)[number]

/** IORESOURCE_SYSTEM_RAM */
export const SYSTEM_RAM = IORESOURCE.mem | IORESOURCE.sysram

/** next_resource(): the first child, else the next sibling, else that of the nearest ancestor that has one. */
function next_resource(k: Kernel, node: Resource, skipChildren: boolean): Resource | undefined {
  if (!skipChildren && node.child !== 0) return k.resources.at(node.child)
  let at = node
  while (at.sibling === 0 && at.parent !== 0) at = k.resources.at(at.parent)
  return at.sibling === 0 ? undefined : k.resources.at(at.sibling)
}

/** for_each_resource(): every node below the root, in pre-order, as /proc/iomem lists them. */
export function* eachResource(k: Kernel, root: number): Generator<Resource> {
  const { child } = k.resources.at(root)
  let node = child === 0 ? undefined : k.resources.at(child)
  while (node !== undefined) {
    yield node
    node = next_resource(k, node, false)
  }
}

/** Nodes below the root that overlap a range, in pre-order: children of others are not looked at. */
export function* overlappingResources(
  k: Kernel,
  range: { readonly start: number; readonly end: number },
): Generator<Resource> {
  const root = k.resources.at(IOMEM_RESOURCE)
  let node = root.child === 0 ? undefined : k.resources.at(root.child)
  while (node !== undefined && node.start <= range.end) {
    const isHit = overlaps(node, range)
    if (isHit) yield node
    node = next_resource(k, node, !isHit)
  }
}

/** is_type_match() */
const isMatch = (node: Resource, flags: number, desc: Desc): boolean =>
  (node.flags & flags) === flags && (desc === 'NONE' || node.desc === desc)

/** find_next_iomem_res(): the first node of a kind that overlaps [start, end], the range clipped to that. */
export function find_next_iomem_res(
  k: Kernel,
  { start, end, flags, desc }: { start: number; end: number; flags: number; desc: Desc },
): { start: number; end: number } | undefined {
  for (const node of overlappingResources(k, { start, end }))
    if (isMatch(node, flags, desc))
      return { start: Math.max(start, node.start), end: Math.min(end, node.end) }
  return undefined
}

/** What region_intersects() answers: REGION_*, of include/linux/mm.h. */
export type Region = 'INTERSECTS' | 'DISJOINT' | 'MIXED'

/** region_intersects(): is a range of a kind, not of it, or in part? Looks below nodes of another kind. */
export function region_intersects(
  k: Kernel,
  range: { readonly start: number; readonly end: number },
  flags: number,
  desc: Desc = 'NONE',
): Region {
  let ofKind = 0
  let other = 0
  for (const top of childrenOf(k, k.resources.at(IOMEM_RESOURCE))) {
    if (!overlaps(top, range)) continue
    if (isMatch(top, flags, desc)) {
      ofKind += 1
      continue
    }
    const below = coverBelow(k, top, range, (node) => isMatch(node, flags, desc))
    ofKind += below.count
    if (!below.isCovered) other += 1
  }
  if (ofKind === 0) return 'DISJOINT'
  return other === 0 ? 'INTERSECTS' : 'MIXED'
}

/** Do nodes of the kind below `top` cover what it has of the range? "CXL Window 0" with RAM in it does. */
function coverBelow(
  k: Kernel,
  top: Resource,
  range: { readonly start: number; readonly end: number },
  isOfKind: (node: Resource) => boolean,
): { count: number; isCovered: boolean } {
  let from = Math.max(range.start, top.start)
  const end = Math.min(range.end, top.end)
  let count = 0
  for (const node of eachBelow(k, top)) {
    if (!overlaps(node, range) || !isOfKind(node)) continue
    count += 1
    if (node.start > from) break
    if (node.end >= end) return { count, isCovered: true }
    from = Math.max(from, node.end + 1)
  }
  return { count, isCovered: false }
}

function* eachBelow(k: Kernel, top: Resource): Generator<Resource> {
  for (const child of childrenOf(k, top)) {
    yield child
    yield* eachBelow(k, child)
  }
}

/** strict_iomem_checks: 1 with STRICT_DEVMEM, unless iomem= on the command line says otherwise. */
export const strictIomemChecks = (k: Kernel): boolean =>
  k.policy.iomemParam === 'none' ? k.policy.strictDevmem === 'on' : k.policy.iomemParam === 'strict'

/** The first megabyte: user space may always have it (arch/x86/mm/init.c). */
export const LOW_MEGABYTE = 0x100000

/** iomem_is_exclusive() of the page of an address: rules X1 to X5 of the iomem sheet, §2.1. */
export function iomem_is_exclusive(k: Kernel, address: number): boolean {
  const start = address - (address % PAGE_SIZE)
  const range = { start, end: start + PAGE_SIZE - 1 }
  const nodes = [...overlappingResources(k, range)]
  if (k.policy.iomemClaim === 'deny' && start >= LOW_MEGABYTE) return true
  if (k.policy.exclusiveRam === 'on' && nodes.some(isExclusiveRam)) return true
  if (!strictIomemChecks(k)) return false
  const busy = nodes.filter(({ flags }) => (flags & IORESOURCE.busy) !== 0)
  if (k.policy.ioStrictDevmem === 'on') return busy.length > 0
  return busy.some(({ flags }) => (flags & IORESOURCE.exclusive) !== 0)
}

const EXCLUSIVE_RAM = SYSTEM_RAM | IORESOURCE.exclusive
const isExclusiveRam = ({ flags }: Resource): boolean => (flags & EXCLUSIVE_RAM) === EXCLUSIVE_RAM

/** A claim that has returned to its driver, as page frames [first, end), from 1 MiB on. */
export interface ClaimedRange {
  readonly id: number
  readonly name: string
  readonly first: number
  readonly end: number
}

/** Every claim of memory that drivers have now. The first megabyte is nobody's alone. */
export const claimedRanges = (k: Kernel): ClaimedRange[] =>
  k.resources.rows().flatMap(({ id, name, start, end, flags, claim }) => {
    const isClaim =
      claim === 'returned' && (flags & IORESOURCE.busy) !== 0 && (flags & IORESOURCE.mem) !== 0
    const first = Math.max(Math.floor(start / PAGE_SIZE), LOW_MEGABYTE / PAGE_SIZE)
    const last = Math.floor(end / PAGE_SIZE) + 1
    return isClaim && first < last ? [{ id, name, first, end: last }] : []
  })
