import type { Ref } from '../../arena'
import { EBUSY, EINVAL } from '../include/errno'
import { IORESOURCE } from '../include/ioport'
import type { Kernel } from '../kernel'
import { printk } from './printk'

export type Resource = ReturnType<Kernel['resources']['at']>

/** iomem_resource, "PCI mem": the root of the tree, which /proc/iomem never prints. */
export const IOMEM_RESOURCE = 1 as Ref<'resource'>

/** The children of a node, lowest address first. */
export function childrenOf(k: Kernel, parent: Resource): Resource[] {
  const children: Resource[] = []
  for (let id = parent.child; id !== 0; id = k.resources.at(id).sibling)
    children.push(k.resources.at(id))
  return children
}

/** resource_overlaps() */
export const overlaps = (
  a: { readonly start: number; readonly end: number },
  b: { readonly start: number; readonly end: number },
): boolean => a.start <= b.end && a.end >= b.start

/** resource_type() and resource_ext_type(): what a claim inherits from the node that it lands under. */
const TYPE_BITS = IORESOURCE.io | IORESOURCE.mem | IORESOURCE.irq | IORESOURCE.dma | IORESOURCE.bus
export const inheritedFlags = ({ flags }: Resource): number =>
  flags & (TYPE_BITS | IORESOURCE.sysram)

/**
 * __request_resource(): links `node` under `parent`, or returns what is in the way: the first child
 * that overlaps, or the parent itself where the range is not inside it.
 */
export function linkResource(k: Kernel, parent: Resource, node: Resource): Resource | undefined {
  if (node.end < node.start || node.start < parent.start || node.end > parent.end) return parent
  let before: Resource | undefined
  for (const child of childrenOf(k, parent)) {
    if (child.start > node.end) break
    if (child.end >= node.start) return child
    before = child
  }
  node.sibling = before === undefined ? parent.child : before.sibling
  node.parent = parent.id
  if (before === undefined) parent.child = node.id
  else before.sibling = node.id
  return undefined
}

/** request_resource(): no descent, and neither BUSY nor MUXED is looked at. 0 or -EBUSY. */
export const request_resource = (k: Kernel, root: Resource, node: Resource): number =>
  linkResource(k, root, node) === undefined ? 0 : -EBUSY

/** Takes a node and what is below it out of the tree (__release_region, RL3 of the iomem sheet). */
export function unlinkResource(k: Kernel, node: Resource): void {
  const parent = k.resources.at(node.parent)
  const before = childrenOf(k, parent).find(({ sibling }) => sibling === node.id)
  if (before === undefined) parent.child = node.sibling
  else before.sibling = node.sibling
  node.sibling = 0
  node.parent = 0
}

/**
 * release_resource(): takes the node and what is below it out. -EINVAL where its parent does not
 * have it; a parent that is freed meanwhile is what KASAN would report.
 */
export function release_resource(k: Kernel, node: Resource): number {
  if (!k.resources.isLive(node.parent)) {
    printk(k, 'BUG: KASAN: slab-use-after-free in __release_resource')
    return -EINVAL
  }
  const isThere = childrenOf(k, k.resources.at(node.parent)).some(({ id }) => id === node.id)
  if (!isThere) return -EINVAL
  unlinkResource(k, node)
  return 0
}

/** remove_resource(): takes a node out of the tree; its children take its place, and keep their names. */
export function removeResource(k: Kernel, node: Resource): void {
  const parent = k.resources.at(node.parent)
  const before = childrenOf(k, parent).find(({ sibling }) => sibling === node.id)
  const children = childrenOf(k, node)
  for (const child of children) child.parent = parent.id
  const last = children.at(-1)
  const first = children[0]?.id ?? node.sibling
  if (last !== undefined) last.sibling = node.sibling
  if (before === undefined) parent.child = first
  else before.sibling = first
  k.resources.free(node.id)
}

/** alloc_free_mem_region(): the lowest aligned gap of a node that nothing intersects; undefined: none. */
export function freeGap(
  k: Kernel,
  parent: Resource,
  size: number,
  align: number,
): number | undefined {
  let at = Math.ceil(parent.start / align) * align
  for (const child of childrenOf(k, parent)) {
    if (child.start >= at + size) break
    if (child.end >= at) at = Math.ceil((child.end + 1) / align) * align
  }
  return at + size - 1 <= parent.end ? at : undefined
}

/**
 * __insert_resource(): for producers of resources. Descends into what strictly contains the node, and
 * takes over the run of siblings that the node contains. Returns what it overlaps only partly.
 */
function insertOrConflict(k: Kernel, parent: Resource, node: Resource): Resource | undefined {
  let under = parent
  for (;;) {
    const conflict = linkResource(k, under, node)
    if (conflict === undefined || conflict === under) return conflict
    const same = conflict.start === node.start && conflict.end === node.end
    if (conflict.start > node.start || conflict.end < node.end || same) break
    under = conflict
  }
  return adoptSiblings(k, under, node)
}

/** insert_resource(): false (-EBUSY) on a partial overlap. */
export const insertResource = (k: Kernel, parent: Resource, node: Resource): boolean =>
  insertOrConflict(k, parent, node) === undefined

/** insert_resource_expand_to_fit(): a node that overlaps others partly is widened until it covers them. */
export function insert_resource_expand_to_fit(k: Kernel, root: Resource, node: Resource): void {
  for (;;) {
    const conflict = insertOrConflict(k, root, node)
    if (conflict === undefined || conflict.id === root.id) return
    node.start = Math.min(node.start, conflict.start)
    node.end = Math.max(node.end, conflict.end)
    printk(k, `Expanded resource ${node.name} due to conflict with ${conflict.name}`)
  }
}

/** The node contains every child of `parent` that it overlaps: they become its children. */
function adoptSiblings(k: Kernel, parent: Resource, node: Resource): Resource | undefined {
  const children = childrenOf(k, parent)
  const run = children.filter((child) => overlaps(child, node))
  const partial = run.find((child) => child.start < node.start || child.end > node.end)
  if (partial !== undefined) return partial
  const [first] = run
  const last = run.at(-1)
  if (first === undefined || last === undefined) return parent
  const before = children[children.indexOf(first) - 1]
  node.parent = parent.id
  node.sibling = last.sibling
  node.child = first.id
  last.sibling = 0
  for (const child of run) child.parent = node.id
  if (before === undefined) parent.child = node.id
  else before.sibling = node.id
  return undefined
}
