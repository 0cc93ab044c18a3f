import { answerOf } from '../drivers/cxl/fabric'
import type { Kernel } from '../kernel'
import { always } from '../operation'

/** S4 of the DAX sheet, §8.1. */
export const dmaKeepsDevice = always({
  name: 'dmaKeepsDevice',
  claim: 'A pinned page is on the card that it was pinned on, and the link to it is up.',
  sources: [{ file: 'mm/memremap.c', fn: 'memunmap_pages', version: '6.12', evidence: 'deduced' }],
  broken(k) {
    for (const { id, state, task } of k.pinHandles.rows()) {
      if (state !== 'held') continue
      for (const { pfn, gen } of k.pinned.in(id).runs()) {
        const wrong = strangeness(k, pfn, gen)
        if (wrong === undefined) continue
        const says = `page 0x${pfn.toString(16)}, pinned by ${k.tasks.at(task).name}, ${wrong}`
        return { table: 'pinHandles', id, says }
      }
    }
    return undefined
  },
})

/** What is wrong with the memory behind a pinned page. */
function strangeness(k: Kernel, pfn: number, gen: number): string | undefined {
  if (answerOf(k, pfn) === 'all_ones') return 'is behind a link that is down'
  const device = k.namespaces.find(({ start, end }) => start <= pfn && pfn < end)
  return gen === 0 || device === undefined || device.gen === gen
    ? undefined
    : `is on another card now: generation ${device.gen}, not ${gen}`
}
