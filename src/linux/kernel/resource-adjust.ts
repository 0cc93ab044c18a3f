import { EBUSY } from '../include/errno'
import { IORESOURCE } from '../include/ioport'
import type { Kernel } from '../kernel'
import { childrenOf, inheritedFlags, linkResource, type Resource } from './resource-tree'

/** Physical addresses, both ends included. */
interface Range {
  readonly start: number
  readonly end: number
}

/**
 * adjust_resource(): moves the ends of a node. -EBUSY where it would leave its parent, reach a
 * neighbour, or cut a child off. A node without a parent has only its children to mind.
 */
export function adjust_resource(k: Kernel, node: Resource, start: number, size: number): number {
  const end = start + size - 1
  if (node.parent !== 0) {
    const parent = k.resources.at(node.parent)
    if (start < parent.start || end > parent.end) return -EBUSY
    const others = childrenOf(k, parent).filter(({ id }) => id !== node.id)
    const before = others.findLast((other) => other.start < node.start)
    const after = others.find((other) => other.start > node.start)
    if (after !== undefined && after.start <= end) return -EBUSY
    if (before !== undefined && start <= before.end) return -EBUSY
  }
  if (childrenOf(k, node).some((child) => child.start < start || child.end > end)) return -EBUSY
  node.start = start
  node.end = end
  return 0
}

/**
 * reserve_region_with_split(), at boot: reserves what is free of a range, around what is there
 * already; gives up what somebody covers as a whole. The part outside of the root is cut off.
 */
export function reserve_region_with_split(
  k: Kernel,
  root: Resource,
  { start, end }: Range,
  name: string,
): void {
  const flags = (inheritedFlags(root) & ~IORESOURCE.sysram) | IORESOURCE.busy
  let node = k.resources.make({ name, flags, start, end })
  node.start = Math.max(start, root.start)
  node.end = Math.min(end, root.end)
  let rest: Range | undefined
  for (;;) {
    const conflict = linkResource(k, root, node)
    if (conflict === undefined) {
      if (rest === undefined) return
      node = k.resources.make({ name, flags, ...rest })
      rest = undefined
    } else if (conflict.start <= node.start && conflict.end >= node.end) {
      k.resources.free(node.id)
      return
    } else if (conflict.start > node.start) {
      if (conflict.end < node.end) rest = { start: conflict.end + 1, end: node.end }
      node.end = conflict.start - 1
    } else node.start = conflict.end + 1
  }
}

/** struct resource_constraint: where an allocation may lie. */
interface Constraint {
  readonly size: number
  readonly align: number
  readonly min: number
  readonly max: number
}

/** find_resource_space(): the first hole that fits, or undefined (-EBUSY). */
export function find_resource_space(
  k: Kernel,
  root: Resource,
  { size, align, min, max }: Constraint,
): number | undefined {
  let from = root.start
  for (const next of [...childrenOf(k, root), undefined]) {
    const last = Math.min(next === undefined ? root.end : next.start - 1, max)
    const at = Math.ceil(Math.max(from, min) / align) * align
    if (at + size - 1 <= last) return at
    if (next !== undefined) from = next.end + 1
  }
  return undefined
}

/** allocate_resource(): find_resource_space() and __request_resource() under one hold of the lock. */
export function allocate_resource(
  k: Kernel,
  root: Resource,
  node: Resource,
  constraint: Constraint,
): number {
  const start = find_resource_space(k, root, constraint)
  if (start === undefined) return -EBUSY
  node.start = start
  node.end = start + constraint.size - 1
  return linkResource(k, root, node) === undefined ? 0 : -EBUSY
}
