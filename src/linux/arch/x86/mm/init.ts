import { PAGE_SIZE } from '../../../include/mm'
import type { Kernel } from '../../../kernel'
import { IOMEM_RESOURCE } from '../../../kernel/resource-tree'
import {
  eachResource,
  iomem_is_exclusive,
  region_intersects,
  SYSTEM_RAM,
} from '../../../kernel/resource-walk'

/** Page frames of the first megabyte. */
const LOW_PAGES = 256

/**
 * devmem_is_allowed() of x86: 0 no, 1 yes, 2 as zeros. RAM comes first, because it is BUSY too. Up to
 * 4.10 the first megabyte was allowed as it is.
 */
export function devmem_is_allowed(k: Kernel, pfn: number): 0 | 1 | 2 {
  const isLow = pfn < LOW_PAGES
  if (isLow && k.policy.devmemLowRam === 'allowed') return 1
  const start = pfn * PAGE_SIZE
  const isRam =
    region_intersects(k, { start, end: start + PAGE_SIZE - 1 }, SYSTEM_RAM) !== 'DISJOINT'
  if (isRam) return isLow ? 2 : 0
  if (iomem_is_exclusive(k, start)) return isLow ? 1 : 0
  return 1
}

/** high_memory, as a physical address: behind the last byte of RAM. read() and write() end there. */
export function highMemory(k: Kernel): number {
  let end = 0
  for (const node of eachResource(k, IOMEM_RESOURCE))
    if ((node.flags & SYSTEM_RAM) === SYSTEM_RAM) end = Math.max(end, node.end + 1)
  return end
}
