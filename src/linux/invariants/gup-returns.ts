import { PTE } from '../arch/x86/pgtable'
import { FOLL } from '../include/gup'
import type { Kernel } from '../kernel'
import { isMapped } from '../mm/memory'
import { always } from '../operation'

/** L3 of the DAX sheet, §8.2. */
export const gupReturns = always({
  name: 'gupReturns',
  claim: 'get_user_pages() does not try an entry again and again whose device is gone.',
  sources: [{ file: 'mm/gup.c', fn: 'follow_page_pte', version: '6.12', evidence: 'deduced' }],
  broken(k) {
    if (k.policy.gupPgmap === 'none') return undefined
    for (const { id, name } of k.tasks.rows()) {
      if (k.machine.stepName(id) !== '__get_user_pages.follow') continue
      const { mm, vpn, handle } = k.machine.frames(id)[0]?.locals ?? {}
      const pfn = deadEnd(k, { mm: Number(mm), vpn: Number(vpn), handle: Number(handle) })
      if (pfn === undefined) continue
      const says = `${name} finds pfn 0x${pfn.toString(16)}, whose pgmap is gone; the fault finds it mapped, and so on`
      return { table: 'tasks', id, says }
    }
    return undefined
  },
})

/** The pfn of an entry that will do for the fault, and never for GUP: no pgmap of it is to be had. */
function deadEnd(
  k: Kernel,
  { mm, vpn, handle }: { mm: number; vpn: number; handle: number },
): number | undefined {
  const write = (k.pinHandles.at(handle).flags & FOLL.write) !== 0
  if (!isMapped(k, mm, vpn, write)) return undefined
  const { pfn, flags } = k.ptes.in(mm).at(vpn)
  if ((flags & PTE.devmap) === 0) return undefined
  const pgmap = k.pgmaps.find(({ start, end }) => start <= pfn && pfn < end)
  return pgmap?.state === 'live' || pgmap?.state === 'dying' ? undefined : pfn
}
