import { PTE } from '../arch/x86/pgtable'
import { FOLL } from '../include/gup'
import type { Kernel } from '../kernel'
import { isMapped } from '../mm/memory'
import { alwaysByTask } from '../operation'

/** L3 of the DAX sheet, §8.2. */
export const gupReturns = alwaysByTask({
  name: 'gupReturns',
  claim: 'get_user_pages() does not try an entry again and again whose device is gone.',
  sources: [{ file: 'mm/gup.c', fn: 'follow_page_pte', version: '6.12', evidence: 'deduced' }],
  when: (k) => k.policy.gupPgmap !== 'none',
  byTask(k, task) {
    if (k.machine.stepName(task) !== '__get_user_pages.follow') return undefined
    const { mm, vpn, handle } = k.machine.frames(task)[0]?.locals ?? {}
    const pfn = deadEnd(k, { mm: Number(mm), vpn: Number(vpn), handle: Number(handle) })
    if (pfn === undefined) return undefined
    const says = `${k.tasks.at(task).name} finds pfn 0x${pfn.toString(16)}, whose pgmap is gone; the fault finds it mapped, and so on`
    return { table: 'tasks', id: task, says }
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
