import { PTE } from '../arch/x86/pgtable'
import type { Kernel } from '../kernel'
import { isZoneFile } from '../mm/filemap'
import { always } from '../operation'

/** S5 of the DAX sheet, §8.1. */
export const entryMatchesFile = always({
  name: 'entryMatchesFile',
  claim:
    'What an entry of a DAX file maps is the page that the file has there, and knows the file, or counts it among those that share the block.',
  sources: [{ file: 'fs/dax.c', fn: 'dax_insert_entry', version: '6.12' }],
  broken(k) {
    for (const { id, vm_mm, vm_start, vm_end, vm_file, vm_pgoff } of k.vmas.rows()) {
      if (!isZoneFile(k, id) || k.superBlocks.at(k.inodes.at(vm_file).i_sb).s_type === 'dax')
        continue
      for (const { start, pfn, flags, length } of k.ptes.in(vm_mm).runs(vm_start, vm_end)) {
        if ((flags & PTE.present) === 0 || !isOfDevice(k, vm_file, pfn)) continue
        const stranger = strangePage(k, {
          inode: vm_file,
          index: vm_pgoff + start - vm_start,
          pfn,
          length,
        })
        if (stranger === undefined) continue
        const says = `${k.mms.at(vm_mm).comm} maps pfn 0x${stranger.toString(16)}, which is no page of ${k.inodes.at(vm_file).name} there`
        return { table: 'ptes', id: vm_mm, key: start + stranger - pfn, says }
      }
    }
    return undefined
  },
})

/** True if a pfn is of the device under a file; a private copy is not, nor the zero page. */
function isOfDevice(k: Kernel, inode: number, pfn: number): boolean {
  const { device } = k.superBlocks.at(k.inodes.at(inode).i_sb)
  const { start, end } = k.namespaces.at(device)
  return start <= pfn && pfn < end
}

interface Mapped {
  readonly inode: number
  readonly index: number
  readonly pfn: number
  readonly length: number
}

/** The first page of a run that i_pages does not have there, or whose mapping is not the file. */
function strangePage(k: Kernel, { inode, index, pfn, length }: Mapped): number | undefined {
  const entries = k.daxEntries.in(inode)
  const isThere = (page: number) => {
    const at = index + page - pfn
    return entries.has(at) && entries.at(at).pfn === page && knowsFile(k, page, inode)
  }
  // Runs of equals: only where one of the three tables begins a run can the answer change.
  const starts = [
    pfn,
    ...entries
      .runs(index, index + length)
      .flatMap(({ start, end }) => [start, end])
      .map((at) => pfn + at - index),
    ...k.pages.runs(pfn, pfn + length).flatMap(({ start, end }) => [start, end]),
  ]
  return starts
    .filter((page) => pfn <= page && page < pfn + length)
    .sort((a, b) => a - b)
    .find((page) => !isThere(page))
}

/** A page that several files share counts them, and names none. */
function knowsFile(k: Kernel, pfn: number, inode: number): boolean {
  if (!k.pages.has(pfn)) return false
  const { mapping, share } = k.pages.at(pfn)
  return mapping === inode || share > 0
}
