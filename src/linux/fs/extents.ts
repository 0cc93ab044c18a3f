import { PMD_PAGES } from '../arch/x86/pgtable'
import type { Kernel } from '../kernel'

/** Where a file system keeps data on the device: behind 4 MiB of headers, log and free-space trees. */
export const METADATA_PAGES = 1024

/**
 * Finds `pages` free blocks in one piece, aligned to a PMD when there are that many, so that they can
 * be mapped at 2 MiB: the first fit. Undefined: no space left.
 */
export function findFreeBlocks(k: Kernel, superBlock: number, pages: number): number | undefined {
  const { start, end } = k.namespaces.at(k.superBlocks.at(superBlock).device)
  const align = pages >= PMD_PAGES ? PMD_PAGES : 1
  const used = usedBlocks(k, superBlock)
  let at = aligned(start + METADATA_PAGES, align)
  for (const [usedStart, usedEnd] of used) {
    if (at + pages <= usedStart) break
    if (usedEnd > at) at = aligned(usedEnd, align)
  }
  return at + pages <= end ? at : undefined
}

const aligned = (pfn: number, align: number): number => Math.ceil(pfn / align) * align

function usedBlocks(k: Kernel, superBlock: number): [start: number, end: number][] {
  const files = k.inodes.rows().filter(({ i_sb }) => i_sb === superBlock)
  const extents = files.flatMap(({ id }) => k.extents.in(id).runs())
  const pieces = extents.map(({ pfn, length }): [number, number] => [pfn, pfn + length])
  return pieces.sort(([a], [b]) => a - b)
}

/** The inodes that have a block: one, several that share it, or none. */
export function ownersOfBlock(k: Kernel, pfn: number) {
  const owns = (inode: number) =>
    k.extents
      .in(inode)
      .runs()
      .some((extent) => extent.pfn <= pfn && pfn < extent.pfn + extent.length)
  return k.inodes
    .rows()
    .map(({ id }) => id)
    .filter(owns)
}

/** The first of them. */
export const ownerOfBlock = (k: Kernel, pfn: number) => ownersOfBlock(k, pfn)[0]
