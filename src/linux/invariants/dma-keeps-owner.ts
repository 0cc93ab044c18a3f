import { ownersOfBlock } from '../fs/extents'
import { LOST_AND_FOUND } from '../fs/lost-and-found'
import { FOLL } from '../include/gup'
import type { Kernel } from '../kernel'
import { always } from '../operation'

/** S2 of the DAX sheet, §8.1. */
export const dmaKeepsOwner = always({
  name: 'dmaKeepsOwner',
  claim: 'A device that was given a block of a file writes into no other file’s block.',
  sources: [{ file: 'fs/dax.c', fn: 'dax_layout_busy_page', version: '4.18' }],
  broken(k) {
    for (const { id, state, task, flags } of k.pinHandles.rows()) {
      if (state !== 'held' || (flags & FOLL.write) === 0) continue
      for (const { pfn, owner } of k.pinned.in(id).runs()) {
        if (owner === 0) continue
        const owners = ownersOfBlock(k, pfn)
        const other = owners.find((now) => now !== owner && !isLost(k, now))
        if (owners.length > 0 && other === undefined) continue
        const whose = other === undefined ? 'nobody' : k.inodes.at(other).name
        const says = `${k.tasks.at(task).name} has block 0x${pfn.toString(16)} under DMA, which belongs to ${whose} now`
        return { table: 'pinHandles', id, says }
      }
    }
    return undefined
  },
})

const isLost = (k: Kernel, inode: number): boolean => k.inodes.at(inode).name === LOST_AND_FOUND
