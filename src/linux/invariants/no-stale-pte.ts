import type { Kernel } from '../kernel'
import { isUserMapping, overlapOf } from '../kernel/iomem-mapping'
import { claimedRanges } from '../kernel/resource-walk'
import { always } from '../operation'

/** I6 of the iomem sheet, §6. */
export const noStalePte = always({
  name: 'noStalePte',
  claim:
    'No mapping of /dev/mem or of a PCI file has an entry for a page that a driver has claimed (from 1 MiB on, unless iomem=relaxed).',
  sources: [{ file: 'kernel/resource.c', fn: 'revoke_iomem', version: '6.12' }],
  broken(k: Kernel) {
    if (k.policy.iomemParam === 'relaxed') return undefined
    const areas = k.vmas.rows().filter((vma) => isUserMapping(k, vma))
    for (const { name, first, end } of claimedRanges(k))
      for (const vma of areas) {
        const { start, end: last } = overlapOf(vma, first, end)
        const entry = start < last ? k.ptes.in(vma.vm_mm).runs(start, last)[0] : undefined
        if (entry === undefined) continue
        const who = k.mms.at(vma.vm_mm).comm
        const says = `${who} still maps pfn 0x${entry.pfn.toString(16)}, which ${name} has claimed`
        return { table: 'vmas', id: vma.id, key: entry.start, says }
      }
    return undefined
  },
})
