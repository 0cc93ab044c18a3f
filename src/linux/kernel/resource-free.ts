import type { Kernel } from '../kernel'
import { childrenOf, IOMEM_RESOURCE } from './resource-tree'

/** Physical addresses of x86-64 with 4-level page tables: MAX_PHYSMEM_BITS. */
const PHYSMEM_END = 2 ** 46
/** PA_SECTION_SIZE: what memory hotplug adds at least. */
const SECTION = 2 ** 27

/** request_free_mem_region(): the highest aligned addresses that nobody has; undefined: none. */
export function freeMemRegion(k: Kernel, size: number): number | undefined {
  const root = k.resources.at(IOMEM_RESOURCE)
  let behind = Math.min(root.end + 1, PHYSMEM_END)
  while (behind >= size) {
    const start = Math.floor((behind - size) / SECTION) * SECTION
    const taken = childrenOf(k, root).find((node) => node.start < start + size && start <= node.end)
    if (taken === undefined) return start
    behind = taken.start
  }
  return undefined
}
