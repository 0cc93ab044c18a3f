import type { Kernel } from '../../linux/kernel'
import { maybeDmaPinned } from '../../linux/mm/folio'
import type { PageGroup } from '../scene/pages'
import type { CardView } from '../shared/cards'
import { pageCount, pageRange } from '../shared/format'

/** A zone, as how many of its pages are free, and a strip of where the others lie. */
export const zoneCards = (k: Kernel, held: readonly PageGroup[]): CardView[] =>
  k.zones
    .rows()
    .filter(({ type }) => type !== 'DEVICE')
    .map(({ id, type, start, end }): CardView => {
      const free = k.freePages.runs(start, end).reduce((sum, { length }) => sum + length, 0)
      const used = held.filter((group) => start <= group.start && group.start < end)
      return {
        target: { kind: 'zone', id },
        title: `${pageCount(free)} free`,
        side: `ZONE_${type}`,
        tone: 'quiet',
        rows: [
          {
            kind: 'bar',
            total: end - start,
            segments: used.map((group) => ({
              start: group.start - start,
              end: group.end - start,
              tone: maybeDmaPinned(k, group.start) ? 'pinned' : 'mapped',
              says: `${pageRange(group.start, group.end - group.start)} in use`,
            })),
          },
          { kind: 'text', value: pageRange(start, end - start), tone: 'quiet' },
        ],
      }
    })
