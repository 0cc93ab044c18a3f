import { PTE } from '../arch/x86/pgtable'
import { TLB } from '../include/mm_types'
import { always } from '../operation'

/** I9 of the pins sheet, §7.2. */
export const tlbSafety = always({
  name: 'tlbSafety',
  claim:
    'What a TLB allows, the page table allows too, or a flush that covers it is still to come.',
  sources: [{ file: 'arch/x86/mm/tlb.c', fn: 'flush_tlb_mm_range', version: '6.12' }],
  broken(k) {
    for (const { id, mm, name } of k.tasks.rows()) {
      if (mm === 0 || k.mms.at(mm).tlb_flush_pending > 0) continue
      const ptes = k.ptes.in(mm)
      for (const entry of k.tlb.in(id).runs())
        for (let vpn = entry.start; vpn < entry.end; vpn++) {
          const pte = ptes.has(vpn) ? ptes.at(vpn) : undefined
          const needed = (entry.flags & TLB.rw) !== 0 ? PTE.present | PTE.rw : PTE.present
          const pfn = entry.pfn + vpn - entry.start
          const isGranted =
            pte?.kind === 'leaf' && pte.pfn === pfn && (pte.flags & needed) === needed
          if (isGranted) continue
          const says = `${name} still reaches page 0x${pfn.toString(16)} through its TLB, and no flush is to come`
          return { table: 'ptes', id: mm, key: vpn, says }
        }
    }
    return undefined
  },
})
