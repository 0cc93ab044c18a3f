import type { Kernel } from '../kernel'

/**
 * The end of the file pages from `index` on, before `last`, that are alike: one run of DAX entries, of
 * struct pages, and of every page table that maps the file. What memory_failure() does to the first of
 * them it does to all of them, so that one step can.
 */
export function alikeUntil(k: Kernel, inode: number, index: number, last: number): number {
  const entry = k.daxEntries.in(inode).find(index, last)
  if (entry === undefined || entry.start > index) return entry?.start ?? last
  const ends = [entry.end, ...mappedAlikeUntil(k, inode, index)]
  const page = k.pages.find(entry.pfn, entry.pfn + entry.length)
  if (page !== undefined) ends.push(index + page.end - entry.pfn)
  return Math.min(...ends)
}

/** Where the mappings of a file page change, in file pages: one end for each area. */
function mappedAlikeUntil(k: Kernel, inode: number, index: number): number[] {
  return k.vmas.rows().flatMap(({ vm_file, vm_mm, vm_start, vm_end, vm_pgoff }) => {
    const past = vm_pgoff + vm_end - vm_start
    if (vm_file !== inode || index >= past) return []
    if (index < vm_pgoff) return [vm_pgoff]
    const vpn = vm_start + index - vm_pgoff
    const run = k.ptes.in(vm_mm).find(vpn, vm_end)
    const end = run === undefined ? vm_end : run.start > vpn ? run.start : run.end
    return [index + end - vpn]
  })
}
