import { ownerOfBlock } from '../fs/extents'
import { always } from '../operation'

/** S11 of the DAX sheet, §8.1: the goal of 4.18 and later. */
export const noFreedBlockHeld = always({
  name: 'noFreedBlockHeld',
  claim: 'A block that is freed is not held any more: DMA cannot land in another file.',
  sources: [{ file: 'fs/dax.c', fn: 'dax_layout_busy_page', version: '4.18' }],
  broken(k) {
    for (const { id, task } of k.pinHandles.rows())
      for (const { pfn, owner } of k.pinned.in(id).runs())
        if (owner !== 0 && k.pages.has(pfn) && ownerOfBlock(k, pfn) === undefined) {
          const says = `block 0x${pfn.toString(16)} is free, and ${k.tasks.at(task).name} still holds it`
          return { table: 'pages', id: 0, key: pfn, says }
        }
    return undefined
  },
})
