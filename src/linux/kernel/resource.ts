import { int, type Ref, ref, text, wide } from '../../arena'
import { IORESOURCE } from '../include/ioport'
import { PAGE_SIZE } from '../include/mm'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { taskHolds } from '../wait-holders'
import { printk } from './printk'

type Resource = ReturnType<Kernel['resources']['at']>

/** iomem_resource, "PCI mem": the root of the tree, which /proc/iomem never prints. */
export const IOMEM_RESOURCE = 1 as Ref<'resource'>

const TYPE_BITS = IORESOURCE.io | IORESOURCE.mem
const EXT_TYPE_BITS = IORESOURCE.sysram

/** The children of a node, lowest address first. */
export function childrenOf(k: Kernel, parent: Resource): Resource[] {
  const children: Resource[] = []
  for (let id = parent.child; id !== 0; id = k.resources.at(id).sibling)
    children.push(k.resources.at(id))
  return children
}

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

/** Takes a node and what is below it out of the tree (__release_resource). */
function unlinkResource(k: Kernel, node: Resource): void {
  const parent = k.resources.at(node.parent)
  const before = childrenOf(k, parent).find(({ sibling }) => sibling === node.id)
  if (before === undefined) parent.child = node.sibling
  else before.sibling = node.sibling
  node.sibling = 0
  node.parent = 0
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
 * insert_resource(): for producers of resources. Descends into what strictly contains the node, and
 * takes over the run of siblings that the node contains. False (-EBUSY) on a partial overlap.
 */
export function insertResource(k: Kernel, parent: Resource, node: Resource): boolean {
  let under = parent
  for (;;) {
    const conflict = linkResource(k, under, node)
    if (conflict === undefined) return true
    if (conflict === under) return false
    const same = conflict.start === node.start && conflict.end === node.end
    if (conflict.start > node.start || conflict.end < node.end || same) break
    under = conflict
  }
  return adoptSiblings(k, under, node)
}

/** The node contains every child of `parent` that it overlaps: they become its children. */
function adoptSiblings(k: Kernel, parent: Resource, node: Resource): boolean {
  const children = childrenOf(k, parent)
  const run = children.filter((child) => child.start <= node.end && child.end >= node.start)
  const first = run[0]
  const last = run.at(-1)
  if (first === undefined || last === undefined) return false
  if (first.start < node.start || last.end > node.end) return false
  const before = children[children.indexOf(first) - 1]
  node.parent = parent.id
  node.sibling = last.sibling
  node.child = first.id
  last.sibling = 0
  for (const child of run) child.parent = node.id
  if (before === undefined) parent.child = node.id
  else before.sibling = node.id
  return true
}

const SYSTEM_RAM = IORESOURCE.mem | IORESOURCE.sysram

/** region_intersects(IORESOURCE_SYSTEM_RAM) for page frames [start, end): not REGION_DISJOINT. */
export const intersectsSystemRam = (k: Kernel, start: number, end: number): boolean =>
  k.resources.find(
    (node) =>
      node.parent !== 0 &&
      (node.flags & SYSTEM_RAM) === SYSTEM_RAM &&
      node.start < end * PAGE_SIZE &&
      start * PAGE_SIZE <= node.end,
  ) !== undefined

const hex = (address: number) => address.toString(16).padStart(8, '0')
const lockHolder = (k: Kernel) => {
  const { resource_lock } = k.globals
  return resource_lock === 0 ? 'nobody' : k.tasks.at(resource_lock).name
}
const resourceLockFree = {
  state: 'R',
  ready: (k: Kernel) => k.globals.resource_lock === 0,
  reason: (k: Kernel) => `spins on resource_lock, which ${lockHolder(k)} holds`,
  holders: (k: Kernel) => taskHolds(k.globals.resource_lock),
} as const

/** RQ of the iomem sheet, §1.2. Returns the number of the new node, or 0 where the kernel gives NULL. */
export const __request_region = operation({
  name: '__request_region',
  does: 'A driver claims a range of physical addresses.',
  source: { file: 'kernel/resource.c', fn: '__request_region', version: '6.12' },
  leftOut:
    'IORESOURCE_MUXED and its wait queue, and revoke_iomem(), which zaps /dev/mem mappings of the range.',
  start: {
    label: 'Let a driver claim it',
    on: ['resource'],
    by: 'admin',
    args: (k, { id }) => {
      const { start, end } = k.resources.at(id)
      return { parent: IOMEM_RESOURCE, start, end, name: 'driver', flags: 0 }
    },
    refuse: (k, { parent, start, end }) => {
      if (parent !== IOMEM_RESOURCE || !k.resources.isLive(parent))
        return 'Claims start at the root of the tree.'
      return start >= 0 && end >= start ? undefined : 'The range ends before it starts.'
    },
  },
  params: { parent: ref('resource'), start: wide(), end: wide(), name: text(), flags: int() },
  locals: { node: ref('resource') },
  entry: 'alloc',
  steps: {
    alloc: {
      does: 'Allocate the node; this may sleep, so no lock is held yet.',
      fn: 'alloc_resource',
      run(k, t) {
        const { start, end, name } = t
        const node = k.resources.alloc({ start, end, name })
        if (node === undefined) return t.done(0)
        t.node = node.id
        return 'lock'
      },
    },
    lock: {
      does: 'Take resource_lock for writing.',
      when: resourceLockFree,
      run(k, t) {
        k.globals.resource_lock = t.task.id
        return 'try'
      },
    },
    try: {
      does: 'Try to link the node under its parent; descend into what is in the way, unless it is BUSY.',
      fn: '__request_region_locked',
      run(k, t) {
        const parent = k.resources.at(t.parent)
        const node = k.resources.at(t.node)
        node.flags =
          (parent.flags & TYPE_BITS) | (parent.flags & EXT_TYPE_BITS) | IORESOURCE.busy | t.flags
        node.desc = parent.desc
        const conflict = linkResource(k, parent, node)
        if (conflict === undefined) return 'unlock'
        if (conflict.id === parent.id || (conflict.flags & IORESOURCE.busy) !== 0) return 'give_up'
        t.parent = conflict.id
        return 'try'
      },
    },
    unlock: {
      does: 'Drop resource_lock: the range is claimed, and marked BUSY.',
      run(k, t) {
        k.globals.resource_lock = 0
        return t.done(t.node)
      },
    },
    give_up: {
      does: 'Somebody else has it: drop the lock, free the node, return NULL.',
      run(k, t) {
        k.globals.resource_lock = 0
        k.resources.free(t.node)
        return t.done(0)
      },
    },
  },
})

/** RL of the iomem sheet, §1.3. */
export const __release_region = operation({
  name: '__release_region',
  does: 'A driver gives a claimed range back.',
  source: { file: 'kernel/resource.c', fn: '__release_region', version: '6.12' },
  leftOut: 'Waking those who wait for a MUXED region.',
  start: {
    label: 'Release the claim',
    on: ['resource'],
    by: 'admin',
    args: (k, { id }) => {
      const { start, end } = k.resources.at(id)
      return { start, end }
    },
    refuse: (k, { start, end }) =>
      findBusy(k, start, end) === undefined ? 'Nobody has claimed exactly this range.' : undefined,
  },
  params: { start: wide(), end: wide() },
  entry: 'lock',
  steps: {
    lock: {
      does: 'Take resource_lock for writing.',
      when: resourceLockFree,
      run(k, t) {
        k.globals.resource_lock = t.task.id
        return 'unlink'
      },
    },
    unlink: {
      does: 'Find the BUSY node of exactly this range and take it out of the tree, children and all.',
      run(k, t) {
        const node = findBusy(k, t.start, t.end)
        if (node === undefined)
          printk(k, `Trying to free nonexistent resource <${hex(t.start)}-${hex(t.end)}>`)
        else {
          unlinkResource(k, node)
          k.resources.free(node.id)
        }
        return 'unlock'
      },
    },
    unlock: {
      does: 'Drop resource_lock.',
      run(k, t) {
        k.globals.resource_lock = 0
        return t.done()
      },
    },
  },
})

/** Descends through nodes that are not BUSY to the BUSY node of exactly this range. */
function findBusy(k: Kernel, start: number, end: number): Resource | undefined {
  let children = childrenOf(k, k.resources.at(IOMEM_RESOURCE))
  for (;;) {
    const inside = children.find((node) => node.start <= start && node.end >= end)
    if (inside === undefined) return undefined
    if ((inside.flags & IORESOURCE.busy) !== 0)
      return inside.start === start && inside.end === end ? inside : undefined
    children = childrenOf(k, inside)
  }
}
