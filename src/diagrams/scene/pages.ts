import type { Kernel } from '../../linux/kernel'
import { headOf, isZeroPage, pagesOf } from '../../linux/mm/folio'
import { idleCount } from '../../linux/mm/memremap-ref'
import { type Entry, namesPage } from './entries'
import { cutByPages, merged, type Stretch } from './stretches'

/** Pages with one card: a stretch of a device’s, or an ordinary folio. */
export interface PageGroup extends Stretch {
  readonly isDevice: boolean
  /** Drawn with all that is known of it; the others in two lines. */
  readonly isFull: boolean
}

const MAX_CARDS = 10
const MAX_FULL = 4

interface Held {
  readonly drawn: readonly PageGroup[]
  readonly hidden: readonly PageGroup[]
}

/** Pages that something maps or holds, in the order of their addresses, as many as are drawn. */
export function heldPages(k: Kernel, entries: readonly Entry[]): Held {
  const named = namedStretches(k, entries)
  const ordinary = new Set<number>()
  for (const stretch of [...named.filter(isOrdinaryIn(k)), ...usedInZones(k)])
    for (let pfn = stretch.start; pfn < stretch.end; pfn = headOf(k, pfn) + pagesOf(k, pfn))
      ordinary.add(headOf(k, pfn))
  const onDevices = named.filter((stretch) => !isOrdinaryIn(k)(stretch))
  const devices = merged([...onDevices, ...referenced(k)])
    .flatMap((stretch) => cutByPages(k, stretch))
    .map((stretch): PageGroup => ({ ...stretch, isDevice: true, isFull: true }))
  const wanted = new Set(named.map(({ start }) => headOf(k, start)))
  const folios = [...ordinary].sort(
    (a, b) => Number(wanted.has(b)) - Number(wanted.has(a)) || a - b,
  )
  const groups = folios.map(
    (start, i): PageGroup => ({
      start,
      end: start + pagesOf(k, start),
      isDevice: false,
      isFull: i < MAX_FULL,
    }),
  )
  const all = [...devices, ...groups]
  const byAddress = (a: PageGroup, b: PageGroup) => a.start - b.start
  return {
    drawn: all.slice(0, MAX_CARDS).sort(byAddress),
    hidden: all.slice(MAX_CARDS).sort(byAddress),
  }
}

/** What entries, GUP users and pipes name. */
function namedStretches(k: Kernel, entries: readonly Entry[]): Stretch[] {
  const mapped = entries.filter(namesPage).map(({ run }) => run)
  const pinned = k.pinHandles.rows().flatMap(({ id }) => k.pinned.in(id).runs())
  const piped = k.pipes.rows().flatMap(({ id }) => k.pipeBuffers.in(id).runs())
  return [...mapped, ...pinned, ...piped].map(({ pfn, length }) => ({
    start: pfn,
    end: pfn + length,
  }))
}

/** Memory that the page allocator hands out, and the zero page. */
const isOrdinaryIn =
  (k: Kernel) =>
  ({ start }: Stretch): boolean =>
    (k.pages.has(start) && isZeroPage(k, start)) ||
    k.zones.find((zone) => zone.type !== 'DEVICE' && zone.start <= start && start < zone.end) !==
      undefined

/** Pages of ordinary memory that are not free: referenced, or frozen by somebody. */
const usedInZones = (k: Kernel): Stretch[] =>
  k.zones
    .rows()
    .filter(({ type }) => type !== 'DEVICE')
    .flatMap(({ start, end }) => [
      ...k.pages.runs(start, end).filter(({ refcount }) => refcount !== 0),
      ...k.holders.runs(start, end),
    ])
    .map(({ start, end }) => ({ start, end }))

/** Pages of devices that somebody holds a reference of besides the device, known to us or not. */
const referenced = (k: Kernel): Stretch[] =>
  k.pgmaps
    .rows()
    .flatMap(({ start, end, type }) =>
      k.pages.runs(start, end).filter(({ refcount }) => refcount !== idleCount(k, type)),
    )
    .map(({ start, end }) => ({ start, end }))
