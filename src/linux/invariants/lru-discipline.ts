import { PG } from '../include/page-flags'
import { held } from '../mm/holders'
import { batchesOf } from '../mm/labels'
import { always } from '../operation'

/** I11 of the pins sheet, §7.2. */
export const lruDiscipline = always({
  name: 'lruDiscipline',
  claim: 'A page with PG_lru waits in no batch, and is not isolated.',
  sources: [{ file: 'mm/swap.c', fn: 'folio_batch_move_lru', version: '6.12' }],
  broken(k) {
    for (const { start, end, flags } of k.pages.runs()) {
      if ((flags & PG.lru) === 0) continue
      for (let pfn = start; pfn < end; pfn++) {
        if (batchesOf(k, pfn) === 0 && held(k, pfn, 'iso') === 0) continue
        const says = `page 0x${pfn.toString(16)} is on the LRU list, and in a batch or isolated too`
        return { table: 'pages', id: 0, key: pfn, says }
      }
    }
    return undefined
  },
})
