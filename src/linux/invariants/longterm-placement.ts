import { FOLL } from '../include/gup'
import { always } from '../operation'

/** I12 of the pins sheet, §7.2 (5.13+). vmsplice takes plain references, and is not judged. */
export const longtermPlacement = always({
  name: 'longtermPlacement',
  claim: 'No long-term pin sits in ZONE_MOVABLE.',
  sources: [{ file: 'mm/gup.c', fn: 'collect_longterm_unpinnable_folios', version: '6.12' }],
  broken(k) {
    const movable = k.zones.rows().filter(({ type }) => type === 'MOVABLE')
    for (const { id, flags, state } of k.pinHandles.rows()) {
      if ((flags & FOLL.longterm) === 0 || state === 'walking') continue
      for (const { pfn, length } of k.pinned.in(id).runs())
        for (const zone of movable)
          if (pfn < zone.end && zone.start < pfn + length)
            return {
              table: 'pinHandles',
              id,
              says: `page 0x${pfn.toString(16)} is pinned for long in ZONE_MOVABLE`,
            }
    }
    return undefined
  },
})
