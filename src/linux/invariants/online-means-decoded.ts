import type { Finding } from '../../machine'
import { isPathCommitted } from '../drivers/cxl/fabric'
import { memdevOf, targetsOf } from '../drivers/cxl/topology'
import { MEMORY_BLOCK_SIZE } from '../include/memory'
import type { Kernel } from '../kernel'
import { always } from '../operation'

/** S9 of the DAX sheet, §8.1. Memory blocks here are all of CXL memory. */
export const onlineMeansDecoded = always({
  name: 'onlineMeansDecoded',
  claim:
    'While a memory block is online, every decoder on the way to it is committed and its link is up.',
  sources: [{ file: 'drivers/cxl/core/region.c', fn: 'cxl_region_detach', version: '6.12' }],
  broken(k) {
    if (k.cxlRegions.capacity === 0) return undefined
    for (const { start, end, state } of k.memoryBlocks.runs()) {
      if (state === 'offline') continue
      const finding = judge(k, start, end)
      if (finding !== undefined) return finding
    }
    return undefined
  },
})

/** The first block of a run behind which something is wrong. */
function judge(k: Kernel, first: number, last: number): Finding | undefined {
  const at = (block: number, says: string): Finding => ({
    table: 'memoryBlocks',
    id: 0,
    key: block,
    says: `memory${block} is online, and ${says}`,
  })
  let next = first * MEMORY_BLOCK_SIZE
  const end = last * MEMORY_BLOCK_SIZE
  const regions = k.cxlRegions.rows().filter(({ size }) => size > 0)
  for (const region of regions.sort((a, b) => a.start - b.start)) {
    if (region.start >= end || region.start + region.size <= next) continue
    const block = Math.max(next, region.start) / MEMORY_BLOCK_SIZE
    if (region.start > next) break
    const wrong = brokenPath(k, region.id)
    if (wrong !== undefined) return at(block, wrong)
    next = region.start + region.size
  }
  return next < end ? at(next / MEMORY_BLOCK_SIZE, 'no region decodes it') : undefined
}

function brokenPath(k: Kernel, region: number): string | undefined {
  const { ways, name } = k.cxlRegions.at(region)
  const targets = targetsOf(k, region)
  for (const target of targets) {
    const { name: memdev, link } = memdevOf(k, target)
    if (link === 'down') return `the link of ${memdev} is down`
    if (!isPathCommitted(k, target)) return `a decoder on the way to ${memdev} is reset`
  }
  return targets.length < ways ? `${name} has ${targets.length} of ${ways} targets` : undefined
}
