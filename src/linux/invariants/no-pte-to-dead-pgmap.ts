import type { Finding } from '../../machine'
import { PTE } from '../arch/x86/pgtable'
import type { Kernel } from '../kernel'
import { always } from '../operation'

/** S1 of the DAX sheet, §8.1. */
export const noPteToDeadPgmap = always({
  name: 'noPteToDeadPgmap',
  claim: 'No present PTE maps a page whose pgmap is dead.',
  sources: [{ file: 'mm/memremap.c', fn: 'memunmap_pages', version: '6.12', evidence: 'recorded' }],
  broken(k) {
    for (const mm of k.mms.rows())
      for (const pte of k.ptes.in(mm.id).runs()) {
        // From 6.15 on nothing in the entry itself says that it maps a device.
        if (pte.gen === 0 && (pte.flags & PTE.devmap) === 0) continue
        const finding = staleEntry(k, mm.id, pte)
        if (finding !== undefined) return finding
      }
    return undefined
  },
})

interface Mapped {
  readonly start: number
  readonly length: number
  readonly pfn: number
  readonly gen: number
}

function staleEntry(k: Kernel, mm: number, pte: Mapped): Finding | undefined {
  const at = (pfn: number, what: string): Finding => ({
    table: 'ptes',
    id: mm,
    key: pte.start + (pfn - pte.pfn),
    says: `${k.mms.at(mm).comm} maps pfn 0x${pfn.toString(16)}${what}`,
  })
  let next = pte.pfn
  const end = pte.pfn + pte.length
  for (const page of k.pages.runs(pte.pfn, end)) {
    if (page.start > next) break
    const pgmap = k.pgmaps.at(page.pgmap)
    if (pgmap.state === 'dead' || pgmap.state === 'exited')
      return at(page.start, `, whose pgmap is ${pgmap.state}`)
    if (pgmap.gen !== pte.gen) return at(page.start, ' of an earlier binding of the device')
    next = page.end
  }
  return next < end ? at(next, ', which has no struct page any more') : undefined
}
