import { FOLL } from '../include/gup'
import type { Kernel } from '../kernel'
import { isKsm, pageMapcount } from './folio'

/** The users of one page by the labels of the mail of January 2021 (pins sheet §5). */
export interface Labels {
  /** Page table entries, swap entries included. */
  readonly ptes: number
  /** References that do not touch the data: batches, isolation, caches, lookups. */
  readonly pointers: number
  /** DMA that reads the page. */
  readonly readers: number
  /** DMA that writes the page. */
  readonly writers: number
  /** Of those, long-term. */
  readonly longterm: number
  /** Process-incoherent users: pipe buffers. */
  readonly other: number
}

const covers = (run: { pfn: number; length: number }, pfn: number): boolean =>
  run.pfn <= pfn && pfn < run.pfn + run.length

/** GUP users of a page: its handles, whatever stage they are in. */
export const handlesOf = (k: Kernel, pfn: number) =>
  k.pinHandles.rows().filter(({ id }) =>
    k.pinned
      .in(id)
      .runs()
      .some((run) => covers(run, pfn)),
  )

/** Pipe buffers that hold a page. */
export const pipeBuffersOf = (k: Kernel, pfn: number) =>
  k.pipes.rows().flatMap(({ id, name }) =>
    k.pipeBuffers
      .in(id)
      .runs()
      .filter((run) => covers(run, pfn))
      .map(({ kind, mm }) => ({ pipe: id, name, kind, mm })),
  )

/** The swap slot that caches a page. */
export const slotCaching = (k: Kernel, pfn: number) =>
  k.swapMap.runs().find((slot) => slot.has_cache === 1 && slot.pfn === pfn)

/** How many per-CPU LRU batches hold a page. */
export const batchesOf = (k: Kernel, pfn: number): number =>
  k.tasks.rows().reduce((sum, { id }) => {
    const runs = k.lruAdd.in(id).runs()
    return sum + runs.filter((run) => covers(run, pfn)).length
  }, 0)

/** The stable tree points to a KSM page, and holds no reference of it. */
const stableTree = (k: Kernel, pfn: number): number => (isKsm(k, pfn) ? 1 : 0)

/** Counts the users of a page by label: what is true, whatever `_refcount` can say. */
export function labelsOf(k: Kernel, pfn: number): Labels {
  const slot = slotCaching(k, pfn)
  const handles = handlesOf(k, pfn)
  const count = (flag: number, wanted: boolean) =>
    handles.filter(({ flags }) => ((flags & flag) !== 0) === wanted).length
  const momentary = k.holders.has(pfn) ? k.holders.at(pfn) : undefined
  const lookups =
    momentary === undefined
      ? 0
      : momentary.tmp +
        momentary.try +
        momentary.pin +
        momentary.get +
        momentary.iso +
        momentary.ksmd
  return {
    ptes: pageMapcount(k, pfn) + (slot?.count ?? 0),
    pointers: batchesOf(k, pfn) + (slot === undefined ? 0 : 1) + stableTree(k, pfn) + lookups,
    readers: count(FOLL.write, false),
    writers: count(FOLL.write, true),
    longterm: count(FOLL.longterm, true),
    other: pipeBuffersOf(k, pfn).length,
  }
}
