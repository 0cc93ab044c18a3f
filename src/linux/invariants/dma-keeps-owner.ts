import { ownerOfBlock } from '../fs/extents'
import { LOST_AND_FOUND } from '../fs/lost-and-found'
import type { Kernel } from '../kernel'
import { always } from '../operation'

/** S2 of the DAX sheet, §8.1. */
export const dmaKeepsOwner = always({
  name: 'dmaKeepsOwner',
  claim: 'A device that was given a block of a file writes into no other file’s block.',
  sources: [{ file: 'fs/dax.c', fn: 'dax_layout_busy_page', version: '4.18' }],
  broken(k) {
    for (const { id, state, task } of k.pinHandles.rows()) {
      if (state !== 'held') continue
      for (const { pfn, owner } of k.pinned.in(id).runs()) {
        if (owner === 0) continue
        const now = ownerOfBlock(k, pfn)
        if (now === owner || isLost(k, now)) continue
        const whose = now === undefined ? 'nobody' : k.inodes.at(now).name
        const says = `${k.tasks.at(task).name} has block 0x${pfn.toString(16)} under DMA, which belongs to ${whose} now`
        return { table: 'pinHandles', id, says }
      }
    }
    return undefined
  },
})

const isLost = (k: Kernel, inode: number | undefined): boolean =>
  inode !== undefined && k.inodes.at(inode).name === LOST_AND_FOUND
