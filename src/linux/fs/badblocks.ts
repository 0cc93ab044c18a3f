import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'

/** badblocks_check(): is any block of these known to be bad? */
export const isBad = (k: Kernel, pfn: number, pages = 1): boolean =>
  k.badblocks.runs(pfn, pfn + pages).length > 0

/**
 * pmem_recovery_write(): whole pages are written anew. The device clears its poison and the pages their
 * mark before the copy; the list of bad blocks comes last, so that no reader is early.
 */
export function recoverBlocks(k: Kernel, pfn: number, pages: number): void {
  for (const { start, end } of k.badblocks.runs(pfn, pfn + pages)) {
    k.contents.edit(start, end, () => ({ poisoned: 0 }))
    k.pages.edit(start, end, ({ flags }) => ({ flags: flags & ~PG.hwpoison }))
    k.badblocks.clear(start, end)
  }
}

/** _copy_from_iter_flushcache(): write(2) into blocks. What the platform does not know to be bad stays bad. */
export function writeBlocks(k: Kernel, pfn: number, pages: number, value: number): void {
  recoverBlocks(k, pfn, pages)
  const bad = k.contents.runs(pfn, pfn + pages).filter(({ poisoned }) => poisoned === 1)
  k.contents.fill(pfn, pfn + pages, { value })
  for (const { start, end } of bad) k.contents.edit(start, end, () => ({ poisoned: 1 }))
}
