import type { Kernel } from '../../linux/kernel'
import { type Entry, namesPage } from './entries'

/** Up to so many processes each have a card. Of more, fewer have one, and the others are counted. */
const MAX_PROCESSES = 6
const OF_MANY = 4

interface Drawn {
  readonly drawn: readonly number[]
  readonly hidden: readonly number[]
}

/**
 * Address spaces that are drawn: who has pages pinned, who maps a page that nobody else maps, who is
 * inside the kernel; then the oldest.
 */
export function drawnProcesses(k: Kernel, entries: readonly Entry[]): Drawn {
  const all = k.mms.rows().map(({ id }) => Number(id))
  if (all.length <= MAX_PROCESSES) return { drawn: all, hidden: [] }
  const pinning = new Set(k.pinHandles.rows().map(({ mm }) => Number(mm)))
  const alone = mapAlone(entries)
  const busy = new Set(
    k.tasks
      .rows()
      .filter(({ id }) => !k.machine.isIdle(id))
      .map(({ mm }) => Number(mm)),
  )
  const rank = (mm: number) =>
    (pinning.has(mm) ? 4 : 0) + (alone.has(mm) ? 2 : 0) + (busy.has(mm) ? 1 : 0)
  const ranked = [...all].sort((a, b) => rank(b) - rank(a) || a - b)
  const kept = new Set(ranked.slice(0, OF_MANY))
  return { drawn: all.filter((mm) => kept.has(mm)), hidden: all.filter((mm) => !kept.has(mm)) }
}

/** Who maps a page that nobody else maps. */
function mapAlone(entries: readonly Entry[]): Set<number> {
  const mappers = new Map<number, number[]>()
  for (const entry of entries)
    if (namesPage(entry))
      mappers.set(entry.run.pfn, [...(mappers.get(entry.run.pfn) ?? []).slice(-1), entry.mm])
  return new Set([...mappers.values()].flatMap((mms) => (mms.length === 1 ? mms : [])))
}
