import type { Finding } from '../../machine'
import type { Kernel } from '../kernel'
import { resolve } from '../mm/entries'
import { isAnon } from '../mm/folio'
import { always } from '../operation'

/** I1 of the pins sheet, §7.2. Pipe buffers promise nothing, so only GUP calls are judged. */
export const gupCoherency = always({
  name: 'gupCoherency',
  claim:
    'While a page is held by GUP, and the process has not unmapped the address itself, the address still leads to that page.',
  sources: [{ file: 'mm/memory.c', fn: 'do_wp_page', version: '6.12' }],
  broken(k) {
    for (const { id, mm, start, state, task } of k.pinHandles.rows()) {
      if (mm === 0 || state === 'walking') continue
      for (const run of k.pinned.in(id).runs()) {
        if (run.detached === 1) continue
        for (let i = 0; i < run.length; i++) {
          const finding = judge(k, { mm, vpn: start + run.start + i, pfn: run.pfn + i })
          if (finding !== undefined)
            return { ...finding, says: `${finding.says}, taken by ${k.tasks.at(task).name}` }
        }
      }
    }
    return undefined
  },
})

interface Held {
  readonly mm: number
  readonly vpn: number
  readonly pfn: number
}

function judge(k: Kernel, { mm, vpn, pfn }: Held): Finding | undefined {
  if (!k.pages.has(pfn) || !isAnon(k, pfn)) return undefined
  const now = resolve(k, mm, vpn)
  if (now === 'none' || now === pfn) return undefined
  const where = now === 'swapped' ? 'the swap device' : `page 0x${now.toString(16)}`
  const says = `the process is on ${where}, the device on page 0x${pfn.toString(16)}`
  return { table: 'ptes', id: mm, key: vpn, says }
}
