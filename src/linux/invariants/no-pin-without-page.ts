import { always } from '../operation'

/** S3 of the DAX sheet, §8.1. */
export const noPinWithoutPage = always({
  name: 'noPinWithoutPage',
  claim: 'Every page that is pinned has a struct page: the unpin can find it.',
  sources: [
    {
      file: 'mm/memremap.c',
      fn: 'memunmap_pages',
      version: '6.12',
      evidence: 'recorded',
      note: 'Recorded with a long-term pin on device-dax; for a short pin on fs-dax likewise.',
    },
  ],
  broken(k) {
    for (const { id, task } of k.pinHandles.rows())
      for (const { pfn, length } of k.pinned.in(id).runs())
        if (!k.pages.covers(pfn, pfn + length)) {
          const says = `pfn 0x${pfn.toString(16)}, held by ${k.tasks.at(task).name}, has no struct page any more`
          return { table: 'pinHandles', id, says }
        }
    return undefined
  },
})
