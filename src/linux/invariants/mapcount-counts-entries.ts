import { isDevicePrivate } from '../arch/x86/pgtable'
import { allEntries } from '../mm/entries'
import { isDax, isUncounted, pageMapcount } from '../mm/folio'
import { always } from '../operation'
import { underPageTableLock } from './windows/locks'

/** Rule 3 of §1.7 of the pins sheet: _mapcount changes under the lock of the entry. */
export const mapcountCountsEntries = always({
  name: 'mapcountCountsEntries',
  claim: '_mapcount says how many entries map the page.',
  windows: [underPageTableLock],
  sources: [{ file: 'mm/rmap.c', fn: 'folio_add_anon_rmap_ptes', version: '6.12' }],
  broken(k) {
    const counts = new Map<number, number>()
    for (const { run } of allEntries(k)) {
      const maps = run.kind === 'leaf' || isDevicePrivate(run)
      if (!maps || isUncounted(run.flags)) continue
      for (let pfn = run.pfn; pfn < run.pfn + run.length; pfn++)
        counts.set(pfn, (counts.get(pfn) ?? 0) + 1)
    }
    for (const { start, end, mapcount } of k.pages.runs()) {
      if (isDax(k, start) || (mapcount < 0 && !k.folios.has(start) && !counts.has(start))) continue
      for (let pfn = start; pfn < end; pfn++) {
        const mapped = k.globals.huge_zero_pfn !== 0 && isHugeZero(pfn, k.globals.huge_zero_pfn)
        if (mapped || pageMapcount(k, pfn) === (counts.get(pfn) ?? 0)) continue
        const entries = counts.get(pfn) ?? 0
        const count = entries === 1 ? '1 entry maps' : `${entries} entries map`
        const says = `page_mapcount of page 0x${pfn.toString(16)} is ${pageMapcount(k, pfn)}, but ${count} it`
        return { table: 'pages', id: 0, key: pfn, says }
      }
    }
    return undefined
  },
})

/** The huge zero page counts nothing. */
const isHugeZero = (pfn: number, head: number): boolean => head <= pfn && pfn < head + 512
