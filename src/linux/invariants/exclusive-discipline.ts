import type { Finding } from '../../machine'
import { PTE } from '../arch/x86/pgtable'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { allEntries, swapEntriesOfPage } from '../mm/entries'
import { isAnon, isKsm, pageMapcount } from '../mm/folio'
import { always } from '../operation'
import { underPageTableLock } from './windows/locks'

/** I4 of the pins sheet, §7.2 (5.19+). */
export const exclusiveDiscipline = always({
  name: 'exclusiveDiscipline',
  claim:
    'An exclusive page is anonymous, not KSM, and mapped at most once; an exclusive swap entry is the only one of its slot.',
  sources: [{ file: 'include/linux/page-flags.h', fn: 'PG_anon_exclusive', version: '6.12' }],
  windows: [underPageTableLock],
  broken: (k) => brokenPage(k) ?? brokenSwapEntry(k),
})

function brokenPage(k: Kernel): Finding | undefined {
  for (const { start, end, flags } of k.pages.runs()) {
    if ((flags & PG.anon_exclusive) === 0) continue
    for (let pfn = start; pfn < end; pfn++) {
      const shared = pageMapcount(k, pfn) > 1 || swapEntriesOfPage(k, pfn) > 0
      if (isAnon(k, pfn) && !isKsm(k, pfn) && !shared) continue
      const says = `page 0x${pfn.toString(16)} is exclusive, and yet shared`
      return { table: 'pages', id: 0, key: pfn, says }
    }
  }
  return undefined
}

function brokenSwapEntry(k: Kernel): Finding | undefined {
  for (const { mm, run } of allEntries(k)) {
    if (run.kind !== 'swap' || (run.flags & PTE.swp_exclusive) === 0) continue
    for (let i = 0; i < run.length; i++) {
      const slot = k.swapMap.at(run.pfn + i)
      const isMarked =
        slot.has_cache === 1 && (k.pages.at(slot.pfn).flags & PG.anon_exclusive) !== 0
      if (slot.count === 1 && !isMarked) continue
      const says = `swap entry ${run.pfn + i} is exclusive, and ${slot.count} entries name it`
      return { table: 'ptes', id: mm, key: run.start + i, says }
    }
  }
  return undefined
}
