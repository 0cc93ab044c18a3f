import { folioMapcount, isDax, refcountOf } from '../mm/folio'
import { held } from '../mm/holders'
import { always } from '../operation'

/** I7 of the pins sheet, §7.2; §1.7 rules 1 and 2 are what keep it. */
export const refsCoverMaps = always({
  name: 'refsCoverMaps',
  claim: '_refcount is never less than the number of entries that map the page.',
  sources: [{ file: 'mm/rmap.c', fn: 'folio_remove_rmap_ptes', version: '6.12' }],
  broken(k) {
    for (const { start, mapcount } of k.pages.runs()) {
      const isLarge = k.folios.has(start)
      if ((mapcount < 0 && !isLarge) || isDax(k, start) || held(k, start, 'frozen') > 0) continue
      if (refcountOf(k, start) >= folioMapcount(k, start)) continue
      const says = `page 0x${start.toString(16)} is mapped ${folioMapcount(k, start)} times, and has ${refcountOf(k, start)} references`
      return { table: 'pages', id: 0, key: start, says }
    }
    return undefined
  },
})
