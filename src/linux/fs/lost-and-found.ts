import { NONE } from '../../arena'
import { PAGE_SIZE } from '../include/mm'
import type { Kernel } from '../kernel'
import { isBusy } from './dax-association'

/** The file for blocks that are under DMA when their file loses them. */
export const LOST_AND_FOUND = 'lost+found'

const lostAndFound = (k: Kernel, superBlock: number) =>
  k.inodes.find(({ name, i_sb }) => name === LOST_AND_FOUND && i_sb === superBlock)

/** Option 3 of §3.3 of the DAX sheet: blocks of [first, last) that are in use change their owner. */
export function setAside(k: Kernel, inode: number, first: number, last: number): void {
  const { i_sb } = k.inodes.at(inode)
  for (const { start, pfn, length } of k.extents.in(inode).runs(first, last))
    for (const page of k.pages.runs(pfn, pfn + length)) {
      if (!isBusy(k, page)) continue
      const home = lostAndFound(k, i_sb) ?? k.inodes.make({ name: LOST_AND_FOUND, i_ino: 11, i_sb })
      const from = start + page.start - pfn
      const to = from + page.length
      k.extents.in(inode).clear(from, to)
      k.daxEntries.in(inode).clear(from, to)
      const first = k.extents.in(home.id).runs().at(-1)?.end ?? 0
      k.extents.in(home.id).fill(first, first + page.length, { pfn: page.start })
      home.i_size = (first + page.length) * PAGE_SIZE
      k.pages.edit(page.start, page.end, (run) => ({
        mapping: home.id,
        index: first + run.start - page.start,
      }))
    }
}

/** The last unpin of a block that was set aside: it is free now. */
export function reclaimLost(k: Kernel, pfn: number, pages: number): void {
  for (const { id, name } of k.inodes.rows()) {
    if (name !== LOST_AND_FOUND) continue
    for (const run of k.extents.in(id).runs())
      for (const page of k.pages.runs(run.pfn, run.pfn + run.length)) {
        const isPut = pfn <= page.start && page.end <= pfn + pages
        if (!isPut || isBusy(k, page)) continue
        const first = run.start + page.start - run.pfn
        k.extents.in(id).clear(first, first + page.length)
        k.pages.edit(page.start, page.end, () => ({ mapping: 0, index: NONE }))
      }
  }
}
