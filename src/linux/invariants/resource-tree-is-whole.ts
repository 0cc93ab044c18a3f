import type { Finding } from '../../machine'
import type { Kernel } from '../kernel'
import { childrenOf } from '../kernel/resource-tree'
import { always } from '../operation'

/** I1 of the iomem sheet, §6. */
export const resourceTreeIsWhole = always({
  name: 'resourceTreeIsWhole',
  claim:
    'Siblings ascend and do not overlap, children are inside their parents, every node that has a parent is among its children, and nobody waits to be linked below a node that is freed.',
  sources: [{ file: 'kernel/resource.c', fn: '__request_resource', version: '6.12' }],
  broken(k: Kernel) {
    for (const node of k.resources.rows()) {
      const wrong = strayed(k, node.id) ?? crossed(k, node.id)
      if (wrong !== undefined) return { table: 'resources', id: node.id, says: wrong }
    }
    return orphaned(k)
  },
})

/** Who waits for a muxed region goes on at the parent that was found before (RQ7): that is freed. */
function orphaned(k: Kernel): Finding | undefined {
  for (const { task } of k.muxedWaiters.rows()) {
    const parent = Number(k.machine.frames(task)[0]?.locals['parent'])
    if (k.resources.isLive(parent)) continue
    const says = `${k.tasks.at(task).name} waits to be linked below a node that is freed`
    return { table: 'tasks', id: task, says }
  }
  return undefined
}

/** The node thinks that it is in the tree, and the tree does not have it. */
function strayed(k: Kernel, id: number): string | undefined {
  const { name, parent } = k.resources.at(id)
  if (parent === 0) return undefined
  if (!k.resources.isLive(parent)) return `the parent of ${name} is freed`
  const isThere = childrenOf(k, k.resources.at(parent)).some((child) => child.id === id)
  return isThere ? undefined : `${name} is not among the children of its parent`
}

/** A child reaches out of the node, or into the one before it. */
function crossed(k: Kernel, id: number): string | undefined {
  const parent = k.resources.at(id)
  let free = parent.start
  let next = parent.child
  while (next !== 0) {
    if (!k.resources.isLive(next)) return `a node below ${parent.name} is freed`
    const { name, start, end, sibling } = k.resources.at(next)
    if (start < free || end < start || end > parent.end)
      return `${name} is not in its place below ${parent.name}`
    free = end + 1
    next = sibling
  }
  return undefined
}
