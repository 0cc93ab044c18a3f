import { BEFORE_TREE } from '../fs/proc/iomem-read'
import type { Kernel } from '../kernel'
import { always } from '../operation'

/** I4 of the iomem sheet, §6, for the trees that there were when the reader came. */
export const listingIsOneTree = always({
  name: 'listingIsOneTree',
  claim: 'What was read of /proc/iomem is the tree as it was at one of the reads.',
  sources: [{ file: 'kernel/resource.c', fn: 'r_start', version: '6.12' }],
  broken(k: Kernel) {
    const isOne = ({ trees, text }: { trees: string; text: string }) =>
      `${trees}${BEFORE_TREE}`.includes(`${BEFORE_TREE}${text}${BEFORE_TREE}`)
    const torn = k.iomemListings.find((listing) => listing.eof === 1 && !isOne(listing))
    if (torn === undefined) return undefined
    const says = `${k.tasks.at(torn.task).name} has read a listing that never was`
    return { table: 'tasks', id: torn.task, says }
  },
})
