import { PTE } from '../arch/x86/pgtable'
import { VM } from '../include/mm_types'
import { allEntries } from '../mm/entries'
import { vma_lookup } from '../mm/rmap'
import { always } from '../operation'

/**
 * I14 of the pins sheet, §7.2. More may be reported than was written; DMA is not tracked. While the
 * flush of §2.7 is to come the bits are still being cleared, and a store through a stale entry is none
 * that came after.
 */
export const softDirtyComplete = always({
  name: 'softDirtyComplete',
  claim: 'What a CPU has written since soft-dirty was last cleared is soft-dirty.',
  sources: [{ file: 'fs/proc/task_mmu.c', fn: 'clear_soft_dirty', version: '6.12' }],
  broken(k) {
    for (const { mm, run } of allEntries(k)) {
      if (run.written === 0 || (run.flags & PTE.soft_dirty) !== 0) continue
      if (k.mms.at(mm).tlb_flush_pending > 0) continue
      const vma = vma_lookup(k, mm, run.start)
      if (vma === undefined || (vma.vm_flags & VM.softdirty) !== 0) continue
      const says = `${k.mms.at(mm).comm} wrote to the page, and the entry is not soft-dirty`
      return { table: 'ptes', id: mm, key: run.start, says }
    }
    return undefined
  },
})
