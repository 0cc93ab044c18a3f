import { isAnon, isExclusive, tracksExclusive } from '../mm/folio'
import { always } from '../operation'

/** I5 of the pins sheet, §7.2: what debug kernels check with VM_BUG_ON (5.19+). */
export const pinnedMeansExclusive = always({
  name: 'pinnedMeansExclusive',
  claim: 'An anonymous page that is held by FOLL_PIN is exclusive.',
  sources: [{ file: 'mm/gup.c', fn: 'sanity_check_pinned_pages', version: '6.12' }],
  broken(k) {
    if (!tracksExclusive(k)) return undefined
    for (const { id, kind, state, task } of k.pinHandles.rows()) {
      if (kind !== 'PIN' || state === 'walking') continue
      for (const run of k.pinned.in(id).runs())
        for (let pfn = run.pfn; pfn < run.pfn + run.length; pfn++) {
          const isFine = !k.pages.has(pfn) || !isAnon(k, pfn) || isExclusive(k, pfn)
          if (isFine) continue
          const says = `page 0x${pfn.toString(16)}, pinned by ${k.tasks.at(task).name}, is not exclusive`
          return { table: 'pinHandles', id, says }
        }
    }
    return undefined
  },
})
