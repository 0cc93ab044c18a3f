import type { Kernel } from '../kernel'
import { isUserMapping } from '../kernel/iomem-mapping'
import { vma_lookup } from '../mm/rmap'
import { always } from '../operation'

/** I8 of the iomem sheet, §6. */
export const honestSignal = always({
  name: 'honestSignal',
  claim: 'Where I/O memory has no entry any more, an access gets SIGBUS with BUS_ADRERR.',
  sources: [{ file: 'mm/memory.c', fn: 'do_fault', version: '6.12', evidence: 'recorded' }],
  broken(k: Kernel) {
    for (const { id, name, mm, signal, si_code, si_addr } of k.tasks.rows()) {
      // SEGV_MAPERR: the area came later.
      if (mm === 0 || signal === 'none' || si_code === 'SEGV_MAPERR') continue
      const vma = vma_lookup(k, mm, si_addr)
      if (vma === undefined || !isUserMapping(k, vma)) continue
      if (signal === 'SIGBUS' && si_code === 'BUS_ADRERR') continue
      return { table: 'tasks', id, says: `${name} got ${signal}, ${si_code}` }
    }
    return undefined
  },
})
