import { PTE } from '../arch/x86/pgtable'
import { allEntries, swapEntriesOfPage } from '../mm/entries'
import { isAnon, isExclusive, isUncounted, pageMapcount, tracksExclusive } from '../mm/folio'
import { ptlHolder } from '../mm/locks'
import { always } from '../operation'

/** I3 of the pins sheet, §7.2. Who holds the page table lock is still at work, and not judged. */
export const writableMeansSoleOwner = always({
  name: 'writableMeansSoleOwner',
  claim:
    'A writable entry of an anonymous page means that no other entry maps it or names its swap slot; from 5.19 on it is exclusive too.',
  sources: [{ file: 'mm/memory.c', fn: 'copy_present_ptes', version: '6.12' }],
  broken(k) {
    for (const { mm, run } of allEntries(k)) {
      const isWritable = run.kind === 'leaf' && (run.flags & PTE.rw) !== 0
      if (!isWritable || isUncounted(run.flags) || ptlHolder(k, mm, run.start) !== 0) continue
      const step = (run.flags & PTE.pse) !== 0 ? run.length : 1
      for (let i = 0; i < run.length; i += step) {
        const pfn = run.pfn + i
        if (!k.pages.has(pfn) || !isAnon(k, pfn)) continue
        const entries = pageMapcount(k, pfn) + swapEntriesOfPage(k, pfn)
        const lacksBit = tracksExclusive(k) && !isExclusive(k, pfn)
        if (entries === 1 && !lacksBit) continue
        const why = entries === 1 ? 'is not exclusive' : `has ${entries} entries`
        const says = `the entry is writable, but page 0x${pfn.toString(16)} ${why}`
        return { table: 'ptes', id: mm, key: run.start + i, says }
      }
    }
    return undefined
  },
})
