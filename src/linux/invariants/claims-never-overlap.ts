import type { Finding } from '../../machine'
import { MEMORY_BLOCK_SIZE } from '../include/memory'
import type { Kernel } from '../kernel'
import { childrenOf } from '../kernel/resource-tree'
import { always } from '../operation'

const hex = (address: number): string => `0x${address.toString(16)}`

/** S10 of the DAX sheet, §8.1. */
export const claimsNeverOverlap = always({
  name: 'claimsNeverOverlap',
  claim: 'No two live claimants have the same physical addresses.',
  sources: [{ file: 'kernel/resource.c', fn: '__request_region', version: '6.12' }],
  broken: (k) => crossedNodes(k) ?? sharedRegions(k) ?? strangeMemory(k),
})

/** Neighbours in the iomem tree overlap, or a node is not inside its parent. */
function crossedNodes(k: Kernel): Finding | undefined {
  for (const parent of k.resources.rows()) {
    let end = parent.start - 1
    for (const child of childrenOf(k, parent)) {
      if (child.start > end && child.end <= parent.end) {
        end = child.end
        continue
      }
      const says = `${child.name} at ${hex(child.start)} overlaps what is beside it in ${parent.name}`
      return { table: 'resources', id: child.id, says }
    }
  }
  return undefined
}

function sharedRegions(k: Kernel): Finding | undefined {
  const regions = k.cxlRegions.rows().filter(({ size }) => size > 0)
  regions.sort((a, b) => a.start - b.start)
  for (const [i, region] of regions.entries()) {
    const next = regions[i + 1]
    if (next === undefined || region.start + region.size <= next.start) continue
    const says = `${region.name} and ${next.name} both have ${hex(next.start)}`
    return { table: 'cxlRegions', id: next.id, says }
  }
  return undefined
}

/** Memory that an earlier owner still has in the allocator, where a device of today is. */
function strangeMemory(k: Kernel): Finding | undefined {
  for (const { id, name, start, end } of k.devDaxes.rows()) {
    const first = Math.floor(start / MEMORY_BLOCK_SIZE)
    const last = Math.ceil((end + 1) / MEMORY_BLOCK_SIZE)
    const strange = k.memoryBlocks.runs(first, last).find(({ dax }) => dax !== id)
    if (strange === undefined) continue
    const says = `memory${strange.start} of an earlier device is still there, in the range of ${name}`
    return { table: 'memoryBlocks', id: 0, key: strange.start, says }
  }
  return undefined
}
