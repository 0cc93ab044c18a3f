import type { Finding } from '../../machine'
import type { Kernel } from '../kernel'
import { swapEntriesOf } from '../mm/entries'
import {
  folioMapcount,
  headOf,
  is_zero_folio,
  isDax,
  isZoneDevice,
  pinBias,
  refcountOf,
} from '../mm/folio'
import { hasExtraCount, idleCount, putsEveryPage } from '../mm/memremap-ref'
import { always } from '../operation'
import { insiders, isBehind } from '../wait-holders'

/** What accounts for the references of one page: plain ones, and pins. */
interface Account {
  plain: number
  pins: number
}

type Book = Map<number, Account>

function account(k: Kernel, book: Book, pfn: number, kind: 'plain' | 'pins', count = 1): void {
  const head = headOf(k, pfn)
  const entry = book.get(head) ?? { plain: 0, pins: 0 }
  entry[kind] += count
  book.set(head, entry)
}

/** The long-lived holders, each from its own table: GUP calls, pipes, batches, caches. */
function longLived(k: Kernel, book: Book): void {
  const each = (run: { pfn: number; length: number }, kind: 'plain' | 'pins') => {
    for (let pfn = run.pfn; pfn < run.pfn + run.length; pfn++)
      if (!(kind === 'pins' && isUncountedPin(k, pfn))) account(k, book, pfn, kind)
  }
  for (const handle of k.pinHandles.rows())
    for (const run of k.pinned.in(handle.id).runs())
      each(run, handle.kind === 'PIN' ? 'pins' : 'plain')
  for (const { id } of k.pipes.rows())
    for (const run of k.pipeBuffers.in(id).runs()) each(run, run.kind === 'PIN' ? 'pins' : 'plain')
  for (const { id } of k.tasks.rows()) for (const run of k.lruAdd.in(id).runs()) each(run, 'plain')
  for (const { id } of k.inodes.rows())
    for (const run of k.pageCache.in(id).runs()) each(run, 'plain')
  for (const slot of k.swapMap.runs()) if (slot.has_cache === 1) account(k, book, slot.pfn, 'plain')
}

const isUncountedPin = (k: Kernel, pfn: number): boolean =>
  k.policy.zeroPagePin === 'notCounted' && is_zero_folio(k, pfn)

/** The momentary ones; returns the pages that are frozen, whose equation is suspended. */
function momentary(k: Kernel, book: Book): Set<number> {
  const frozen = new Set<number>()
  for (const run of k.holders.runs())
    for (let pfn = run.start; pfn < run.end; pfn++) {
      const { alloc, tmp, get, zap, iso, ksmd, poison, pin, try: speculative } = run
      account(k, book, pfn, 'plain', alloc + tmp + speculative + get + zap + iso + ksmd + poison)
      account(k, book, pfn, 'pins', pin)
      if (run.frozen > 0) frozen.add(pfn)
    }
  return frozen
}

/** memunmap_pages() up to 5.17 has put every page: the device’s own reference is gone. */
const hasPutAll = (k: Kernel, pgmap: number): boolean =>
  putsEveryPage(k, k.pgmaps.at(pgmap)) &&
  insiders(
    k,
    (frame) => isBehind(frame, 'memunmap_pages', 'put_pages') && frame.locals['pgmap'] === pgmap,
  ).length > 0

/** What a page that a driver may hand out counts for the device itself. */
function ownCount(k: Kernel, pfn: number): number {
  const pgmap = k.pgmaps.at(k.pages.at(pfn).pgmap)
  if (hasExtraCount(k, pgmap)) return hasPutAll(k, pgmap.id) ? 0 : 1
  const hasPool = k.devmemFree.runs().some((free) => free.pgmap === pgmap.id)
  return k.devmemFree.has(pfn) || !hasPool ? idleCount(k, pgmap.type) : 0
}

/** Entries, where this kind of page counts them; and the reference of the device itself. */
function base(k: Kernel, pfn: number): number {
  if (!isZoneDevice(k, pfn)) return folioMapcount(k, pfn)
  if (!isDax(k, pfn)) return folioMapcount(k, pfn) + ownCount(k, pfn)
  if (k.policy.daxRefcount === 'oneBased') return 1
  // Device-dax pages keep it whatever the kernel; fs-dax pages up to 6.14.
  const isGeneric = k.pgmaps.at(k.pages.at(pfn).pgmap).type === 'GENERIC'
  return folioMapcount(k, pfn) + (isGeneric ? 1 : 0)
}

/** Up to 5.17 memunmap_pages() puts the reference of the device itself while it takes the pages away. */
function isPut(k: Kernel, pfn: number): boolean {
  if (k.policy.memunmapWait === 'pgmapOnly' || !isZoneDevice(k, pfn)) return false
  const { state } = k.pgmaps.at(k.pages.at(pfn).pgmap)
  return state === 'dying' || state === 'dead'
}

function judge(k: Kernel, pfn: number, { plain, pins }: Account): Finding | undefined {
  const large = k.folios.has(pfn) ? k.folios.at(pfn) : undefined
  const expected = base(k, pfn) + plain + pins * (large === undefined ? pinBias(k) : 1)
  const refcount = refcountOf(k, pfn)
  const name = `page 0x${pfn.toString(16)}`
  if (refcount !== expected && !(isPut(k, pfn) && refcount === expected - 1)) {
    const says = `_refcount of ${name} is ${refcount}, but its holders add up to ${expected}`
    return { table: 'pages', id: 0, key: pfn, says }
  }
  if (large !== undefined && large.pincount !== pins) {
    const says = `_pincount of ${name} is ${large.pincount}, but it has ${pins} pins`
    return { table: 'folios', id: 0, key: pfn, says }
  }
  return undefined
}

/** Pages that nothing is known to hold: their runs are judged as one, for they are alike. */
function idleRuns(k: Kernel, book: Book): Finding | undefined {
  for (const { start, end, refcount } of k.pages.runs()) {
    if (k.folios.has(start) && headOf(k, start) !== start) continue
    if (refcount === 0 && base(k, start) === 0) continue
    for (let pfn = start; pfn < end; pfn++) {
      if (book.has(pfn)) continue
      const finding = judge(k, pfn, { plain: 0, pins: 0 })
      if (finding !== undefined) return finding
      break
    }
  }
  return undefined
}

/** Unmapping counts the slot before it writes the entry, under the page table lock. */
const halfSwapped = (k: Kernel, offset: number): number =>
  k.tasks.rows().filter(({ id }) => {
    if (k.machine.stepName(id) !== 'shrink_folio_list.share') return false
    const pfn = k.machine.frames(id)[0]?.locals['pfn']
    return typeof pfn === 'number' && k.pages.at(pfn).private === offset
  }).length

function slots(k: Kernel): Finding | undefined {
  for (const slot of k.swapMap.runs()) {
    const entries = swapEntriesOf(k, slot.start) + halfSwapped(k, slot.start)
    const cached = slot.has_cache === 0 || k.pages.at(slot.pfn).private === slot.start
    if (entries === slot.count && cached) continue
    const says = `swap_map[${slot.start}] is ${slot.count}, but ${entries} entries name it`
    return { table: 'swapMap', id: 0, key: slot.start, says }
  }
  return undefined
}

/** I6 of the pins sheet: the equations of §7.1, for every kind of page and every era. */
export const conservation = always({
  name: 'conservation',
  claim:
    '_refcount is the sum of everybody who holds the page: entries, caches, pins, references, batches, and whoever is at work on it.',
  sources: [{ file: 'include/linux/page_ref.h', fn: 'folio_ref_count', version: '6.12' }],
  broken(k) {
    const book: Book = new Map()
    longLived(k, book)
    const frozen = momentary(k, book)
    for (const [pfn, entry] of book) {
      if (frozen.has(pfn) || !k.pages.has(pfn)) continue
      const finding = judge(k, pfn, entry)
      if (finding !== undefined) return finding
    }
    return idleRuns(k, book) ?? slots(k)
  },
})
