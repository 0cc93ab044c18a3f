import type { Finding } from '../../machine'
import { ownersOfBlock } from '../fs/extents'
import { LOST_AND_FOUND } from '../fs/lost-and-found'
import { FOLL } from '../include/gup'
import type { Kernel } from '../kernel'
import { isFsDax } from '../mm/filemap'
import { isZoneDevice } from '../mm/folio'
import { vma_lookup } from '../mm/rmap'
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
    return strangeOnDemand(k)
  },
})

const isLost = (k: Kernel, inode: number): boolean => k.inodes.at(inode).name === LOST_AND_FOUND

/** What an adapter maps on demand is a block of the file that is mapped there, or no block at all. */
function strangeOnDemand(k: Kernel): Finding | undefined {
  for (const { id, mm } of k.umemOdps.rows())
    for (const { start, pfn: first, length } of k.nicEntries.in(id).runs())
      for (let i = 0; i < length; i++) {
        const pfn = first + i
        const vma = vma_lookup(k, mm, start + i)
        if (vma === undefined || !isFsDax(k, vma.id) || !isDeviceBlock(k, pfn)) continue
        if (ownersOfBlock(k, pfn).includes(vma.vm_file)) continue
        const says = `the adapter maps block 0x${pfn.toString(16)} for ${k.inodes.at(vma.vm_file).name}, which has lost it`
        return { table: 'umemOdps', id, says }
      }
  return undefined
}

/** A private mapping has copies, which are no blocks. */
const isDeviceBlock = (k: Kernel, pfn: number): boolean => k.pages.has(pfn) && isZoneDevice(k, pfn)
