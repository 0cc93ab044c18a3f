import type { Kernel } from '../kernel'
import { claimedRanges } from '../kernel/resource-walk'
import { always } from '../operation'

/** I7 of the iomem sheet, §6. */
export const noUserWriteAfterClaim = always({
  name: 'noUserWriteAfterClaim',
  claim:
    'No store, write() or DMA of user space reaches a page after the claim of it has returned to the driver.',
  sources: [{ file: 'kernel/resource.c', fn: '__request_region', version: '6.12' }],
  broken(k: Kernel) {
    if (k.iomemNodes.capacity === 0) return undefined
    for (const { id, name, first, end } of claimedRanges(k)) {
      const stray = k.contents.runs(first, end).find(({ stored_by }) => stored_by !== 0)
      if (stray === undefined) continue
      const who = k.mms.at(stray.stored_by).comm
      const says = `${who} wrote to pfn 0x${stray.start.toString(16)}, which ${name} has claimed`
      return { table: 'resources', id, key: stray.start, says }
    }
    return undefined
  },
})
