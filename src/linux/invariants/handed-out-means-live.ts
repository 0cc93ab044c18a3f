import type { Finding } from '../../machine'
import { isDevicePrivate } from '../arch/x86/pgtable'
import type { Kernel } from '../kernel'
import { allEntries } from '../mm/entries'
import { isUncounted } from '../mm/folio'
import type { Pgmap } from '../mm/memremap-ref'
import { always } from '../operation'

/** Row 3 of §1.5 of the DAX sheet: what S1 asks of DAX, for pages that a driver hands out. */
export const handedOutMeansLive = always({
  name: 'handedOutMeansLive',
  claim:
    'A page that a driver has handed out stays until it is put: no entry, present or device-private, names one whose pgmap is dead.',
  sources: [{ file: 'mm/memremap.c', fn: 'zone_device_page_init', version: '6.12' }],
  broken(k) {
    for (const { mm, run } of allEntries(k)) {
      if (run.kind !== 'leaf' && !isDevicePrivate(run)) continue
      if (isUncounted(run.flags)) continue
      const finding = deadPage(k, mm, run)
      if (finding !== undefined) return finding
    }
    return undefined
  },
})

interface Mapped {
  readonly start: number
  readonly pfn: number
  readonly length: number
}

const isGone = ({ ops, state }: Pgmap): boolean =>
  ops !== 0 && (state === 'dead' || state === 'exited')

function deadPage(k: Kernel, mm: number, run: Mapped): Finding | undefined {
  const pgmap = k.pgmaps.find(
    (each) => isGone(each) && run.pfn < each.end && each.start < run.pfn + run.length,
  )
  if (pgmap === undefined) return undefined
  const pfn = Math.max(run.pfn, pgmap.start)
  const says = `an entry of ${k.mms.at(mm).comm} names page 0x${pfn.toString(16)} of ${pgmap.owner === '' ? 'a PCI device' : pgmap.owner}, whose pgmap is ${pgmap.state}`
  return { table: 'ptes', id: mm, key: run.start + pfn - run.pfn, says }
}
