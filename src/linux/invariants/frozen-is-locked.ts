import { PG } from '../include/page-flags'
import { always } from '../operation'

/** I15 of the pins sheet, §7.2. */
export const frozenIsLocked = always({
  name: 'frozenIsLocked',
  claim:
    'A page whose count is frozen at 0 while it is in the swap cache is locked by who froze it.',
  sources: [{ file: 'mm/vmscan.c', fn: '__remove_mapping', version: '6.12' }],
  broken(k) {
    for (const { start, end, refcount, flags } of k.pages.runs()) {
      if (refcount !== 0 || (flags & PG.swapcache) === 0) continue
      for (let pfn = start; pfn < end; pfn++) {
        const isLocked =
          (flags & PG.locked) !== 0 && k.holders.has(pfn) && k.holders.at(pfn).frozen > 0
        if (isLocked) continue
        const says = `page 0x${pfn.toString(16)} is in the swap cache with _refcount 0, and nobody froze it`
        return { table: 'pages', id: 0, key: pfn, says }
      }
    }
    return undefined
  },
})
