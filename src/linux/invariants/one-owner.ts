import type { Kernel } from '../kernel'
import { claimedRanges } from '../kernel/resource-walk'
import { always } from '../operation'

/** I2 of the iomem sheet, §6: a claim of a page and one of its other half are two claims. */
export const oneOwner = always({
  name: 'oneOwner',
  claim: 'Two claims of drivers never have an address in common.',
  sources: [{ file: 'kernel/resource.c', fn: '__request_region', version: '6.12' }],
  broken(k: Kernel) {
    const claims = claimedRanges(k).map(({ id }) => k.resources.at(id))
    claims.sort((a, b) => a.start - b.start)
    for (const [i, { end, name, id }] of claims.entries()) {
      const next = claims[i + 1]
      if (next === undefined || next.start > end) continue
      return {
        table: 'resources',
        id,
        says: `${name} and ${next.name} have claimed the same range`,
      }
    }
    return undefined
  },
})
