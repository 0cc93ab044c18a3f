import { PMD_PAGES, PTE } from '../arch/x86/pgtable'
import { ownerOfBlock } from '../fs/extents'
import { reclaimLost } from '../fs/lost-and-found'
import { FOLL } from '../include/gup'
import { VM } from '../include/mm_types'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import {
  editFolio,
  headOf,
  is_zero_folio,
  isAnon,
  isDax,
  isExclusive,
  isLarge,
  isZeroPage,
  isZoneDevice,
  pinBias,
  refAdd,
  refcountOf,
  tracksExclusive,
} from './folio'
import { type HolderKind, hold } from './holders'
import { free_devmap_managed_page, resetGenericPages } from './memremap-ref'
import { isGone } from './oops'
import { vma_lookup } from './rmap'
import { folio_put } from './swap'

export const isPin = (flags: number): boolean => (flags & FOLL.pin) !== 0

/** A pin of the zero page is not counted from 6.5 on. */
const isUncountedPin = (k: Kernel, pfn: number, flags: number): boolean =>
  isPin(flags) && k.policy.zeroPagePin === 'notCounted' && is_zero_folio(k, pfn)

/** try_get_folio(): would a speculative reference succeed? Not on a free or frozen page, nor on one that overflowed. */
export const isGettable = (k: Kernel, pfn: number): boolean => refcountOf(k, pfn) > 0

/** Pages that count one by one: those of a device, and order-0 pages. A large folio counts at its head. */
function eachCounter(
  k: Kernel,
  pfn: number,
  pages: number,
  change: (at: number, n: number) => void,
) {
  if (isLarge(k, pfn)) change(headOf(k, pfn), pages)
  else for (let page = pfn; page < pfn + pages; page++) change(page, 1)
}

/** Memory of a PCI device is only for whoever asks for it (FOLL_PCI_P2PDMA, 6.2): DMA to it goes another way. */
export function isRefusedP2pdma(k: Kernel, pfn: number, flags: number): boolean {
  const { pgmap } = k.pages.at(pfn)
  if (pgmap === 0 || (flags & FOLL.pci_p2pdma) !== 0) return false
  return k.pgmaps.at(pgmap).type === 'PCI_P2PDMA'
}

interface Wish {
  readonly write: number
  readonly longterm: number
  readonly force: number
}

/** FOLL_* of a call, as its arguments say. */
export const flagsOf = (kind: 'PIN' | 'GET', { write, longterm, force }: Wish): number =>
  (kind === 'PIN' ? FOLL.pin : FOLL.get) |
  (write === 1 ? FOLL.write : 0) |
  (longterm === 1 ? FOLL.longterm : 0) |
  (force === 1 ? FOLL.force : 0)

/** O_DIRECT of a disk that can reach the memory of other PCI devices asks for it: ITER_ALLOW_P2PDMA. */
export function allowedBy(k: Kernel, task: number): number {
  const caller = k.machine.frames(task)[1]?.operation.name
  return caller === 'directRead' && k.p2pdmas.capacity > 0 ? FOLL.pci_p2pdma : 0
}

/** Adds plain references of consecutive pages, speculatively. */
export function addPlain(k: Kernel, pfn: number, pages: number, kind: HolderKind): void {
  eachCounter(k, pfn, pages, (at, n) => {
    refAdd(k, at, n)
    hold(k, at, kind, n)
  })
}

/** Turns speculative references into pins: the rest of the bias, or `_pincount` of a large folio. */
export function addBias(k: Kernel, pfn: number, pages: number): void {
  if (isLarge(k, pfn)) editFolio(k, pfn, 'pincount', pages)
  eachCounter(k, pfn, pages, (at, n) => {
    if (!isLarge(k, pfn)) refAdd(k, at, (pinBias(k) - 1) * n)
    hold(k, at, 'try', -n)
    hold(k, at, 'pin', n)
  })
}

/** The caller has the references now: they are rows of its handle. */
export function endHold(k: Kernel, pfn: number, pages: number, kind: HolderKind): void {
  eachCounter(k, pfn, pages, (at, n) => hold(k, at, kind, -n))
}

/** try_grab_folio(): false where the count is zero or has overflowed. */
export function try_grab_folio(k: Kernel, pfn: number, pages: number, flags: number): boolean {
  if (isUncountedPin(k, pfn, flags)) return true
  if (!isGettable(k, pfn)) return false
  if (isPin(flags) && isLarge(k, pfn)) editFolio(k, pfn, 'pincount', pages)
  const each = isPin(flags) && !isLarge(k, pfn) ? pinBias(k) : 1
  eachCounter(k, pfn, pages, (at, n) => refAdd(k, at, each * n))
  return true
}

/** gup_put_folio(): takes back exactly what was added. The last put frees the page, whoever owned it. */
export function gup_put_folio(k: Kernel, pfn: number, pages: number, flags: number): void {
  if (isGone(k, { pfn, pages }, 'gup_folio_next', 'unpin_user_pages')) {
    subtractFromRest(k, pfn, pages, isPin(flags) ? pinBias(k) : 1)
    return
  }
  if (isUncountedPin(k, pfn, flags)) return
  if (isPin(flags) && isLarge(k, pfn)) editFolio(k, pfn, 'pincount', -pages)
  const each = isPin(flags) && !isLarge(k, pfn) ? pinBias(k) : 1
  if (isDax(k, pfn) && !isLarge(k, pfn)) subtractFromRest(k, pfn, pages, each)
  else eachCounter(k, pfn, pages, (at, n) => folio_put(k, at, each * n))
}

function subtractFromRest(k: Kernel, pfn: number, pages: number, count: number): void {
  let freed = 0
  k.pages.edit(pfn, pfn + pages, ({ refcount, length }) => {
    if (refcount === count) freed += length
    return { refcount: refcount - count }
  })
  if (freed > 0) free_devmap_managed_page(k, pfn, freed)
  if (freed > 0) resetGenericPages(k, pfn, pages)
  reclaimLost(k, pfn, pages)
}

/** Whose block a device page is, and which card's: what may not change under a pin. */
function whoseIs(k: Kernel, pfn: number) {
  const pgmap = k.pages.has(pfn) ? k.pages.at(pfn).pgmap : 0
  if (pgmap === 0) return undefined
  return { owner: ownerOfBlock(k, pfn) ?? 0, gen: k.pgmaps.at(pgmap).gen } as const
}

/** Notes pages in the handle, as the caller’s pages[] has them, and marks them referenced. */
export function record(k: Kernel, handle: number, pfn: number, pages: number): void {
  const row = k.pinHandles.at(handle)
  k.pinned.in(handle).fill(row.got, row.got + pages, {
    pfn,
    detached: row.unmapped,
    ...whoseIs(k, pfn),
  })
  const head = headOf(k, pfn)
  const [from, to] = isLarge(k, pfn) ? [head, head + 1] : [pfn, pfn + pages]
  k.pages.edit(from, to, ({ flags }) => ({ flags: flags | PG.referenced }))
  row.got += pages
}

/**
 * The handle of the GUP call that a task has just made. None where another thread has dropped the
 * pages meanwhile: here it can name the handle, whose number may be somebody else’s by now.
 */
export function ownHandle(k: Kernel, task: { readonly id: number; readonly pages: number }) {
  const handle = k.pinHandles.isLive(task.pages) ? k.pinHandles.at(task.pages) : undefined
  return handle?.task === task.id ? handle : undefined
}

/** Lets go of everything that a handle has. */
export function dropAll(k: Kernel, handle: number): void {
  const row = k.pinHandles.at(handle)
  const held = k.pinned.in(handle).runs()
  k.pinned.in(handle).clear(0, row.pages)
  row.got = 0
  for (const { pfn, length } of held) putRun(k, pfn, length, row.flags)
}

/** A run of pages may go over the edge of a large folio. */
function putRun(k: Kernel, pfn: number, length: number, flags: number): void {
  const first = k.folios.has(pfn) ? headOf(k, pfn) + PMD_PAGES - pfn : length
  const pages = Math.min(first, length)
  const isMixed = !k.folios.has(pfn) && k.folios.runs(pfn, pfn + length).length > 0
  const until = isMixed ? (k.folios.runs(pfn, pfn + length)[0]?.start ?? pfn) - pfn : pages
  gup_put_folio(k, pfn, until, flags)
  if (until < length) putRun(k, pfn + until, length - until, flags)
}

/** The next virtual page that a handle still wants. */
export const nextPage = (k: Kernel, handle: number): number => {
  const { start, got } = k.pinHandles.at(handle)
  return start + got
}

/** Pages from `vpn` on that one leaf entry maps, at most `wanted`. */
export function leafPages(k: Kernel, mm: number, vpn: number, wanted: number): number {
  const { flags } = k.ptes.in(mm).at(vpn)
  return (flags & PTE.pse) === 0 ? 1 : Math.min(wanted, PMD_PAGES - (vpn % PMD_PAGES))
}

/** gup_must_unshare() (5.19): may this read-only pin take the page as it is mapped? */
export function gup_must_unshare(
  k: Kernel,
  { mm, vpn, pfn, flags }: { mm: number; vpn: number; pfn: number; flags: number },
): boolean {
  if (!isPin(flags) || (flags & FOLL.write) !== 0 || !tracksExclusive(k)) return false
  if (k.policy.gupRead !== 'unshare' && k.policy.gupRead !== 'unshareFile') return false
  if (k.pages.has(pfn) && isAnon(k, pfn)) return !isExclusive(k, pfn)
  if (k.policy.gupRead === 'unshare' || (flags & FOLL.longterm) === 0) return false
  const vma = vma_lookup(k, mm, vpn)
  return vma !== undefined && (vma.vm_flags & VM.shared) === 0
}

/** folio_is_longterm_pinnable(): not in ZONE_MOVABLE, from 5.13 on; no fs-dax page, from 6.15 on. */
export const folio_is_longterm_pinnable = (k: Kernel, pfn: number): boolean =>
  !isFsDax(k, pfn) && isMovablePinnable(k, pfn)

const isFsDax = (k: Kernel, pfn: number): boolean =>
  isZoneDevice(k, pfn) && k.pgmaps.at(k.pages.at(pfn).pgmap).type === 'FS_DAX'

const isMovablePinnable = (k: Kernel, pfn: number): boolean =>
  k.policy.longtermMovable === 'allow' ||
  isZeroPage(k, pfn) ||
  k.zones.find(({ type, start, end }) => type === 'MOVABLE' && start <= pfn && pfn < end) ===
    undefined
