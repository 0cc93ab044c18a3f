import { NONE } from '../../arena'
import { at, type Wait } from '../../machine'
import { PMD_PAGES, PTE } from '../arch/x86/pgtable'
import { DAX } from '../include/fs'
import { PAGE_SIZE } from '../include/mm'
import type { Kernel } from '../kernel'
import { countDaxEntry, unmap_mapping_range } from '../mm/rmap'
import { taskHolds } from '../wait-holders'
import { disassociate } from './dax-association'

/** What a slot of i_pages holds for an entry: the value, and the word with the mark of a value. */
interface Slot {
  readonly value: number
  readonly word: number
}

/** dax_make_entry(): (pfn << DAX_SHIFT) | flags, and xa_mk_value() of it. Empty and zero entries have no pfn. */
export function dax_make_entry({ pfn, flags }: { pfn: number; flags: number }): Slot {
  const value = (pfn === NONE ? 0 : pfn) * 16 + flags
  return { value, word: value * 2 + 1 }
}

/** File pages [first, last) that one fault is about: 1, or the 512 of a PMD. */
export interface Span {
  readonly inode: number
  readonly first: number
  readonly last: number
  /** First virtual page of the entry. */
  readonly vpn: number
}

interface Fault {
  readonly vma: number
  readonly vpn: number
  readonly order: number
}

export function spanOf(k: Kernel, { vma, vpn, order }: Fault): Span {
  const { vm_start, vm_pgoff, vm_file } = k.vmas.at(vma)
  const pages = order === 9 ? PMD_PAGES : 1
  const start = vpn - (vpn % pages)
  const first = vm_pgoff + start - vm_start
  return { inode: vm_file, first, last: first + pages, vpn: start }
}

/** dax_fault_check_fallback(): can a PMD be mapped here at all? */
export function mustFallBack(k: Kernel, vma: number, { inode, first, last, vpn }: Span): boolean {
  const { vm_start, vm_end } = k.vmas.at(vma)
  const isCongruent = first % PMD_PAGES === 0
  const isInside = vpn >= vm_start && vpn + PMD_PAGES <= vm_end
  return !isCongruent || !isInside || last * PAGE_SIZE > sizeRoundedUp(k, inode)
}

export const sizeRoundedUp = (k: Kernel, inode: number): number =>
  Math.ceil(k.inodes.at(inode).i_size / PAGE_SIZE) * PAGE_SIZE

/** The dax_device that a file system found when it was mounted; a later one of the device is not its. */
export function daxOf(k: Kernel, inode: number) {
  const { s_daxdev } = k.superBlocks.at(k.inodes.at(inode).i_sb)
  return s_daxdev === 0 ? undefined : k.daxDevices.at(s_daxdev)
}

/** The entries of a span that somebody has locked. */
export const lockedEntry = (k: Kernel, inode: number, first: number, last: number) =>
  k.daxEntries.in(inode).find(first, last, ({ flags }) => (flags & DAX.locked) !== 0)

/** A sentence that names who holds the lock bit of an entry in the span. */
function lockReason(k: Kernel, inode: number, first: number, last: number): string {
  const entry = lockedEntry(k, inode, first, last)
  const holder =
    entry === undefined || entry.holder === 0 ? 'somebody' : k.tasks.at(entry.holder).name
  return `waits for the DAX entry of file page ${entry?.start ?? first}, which ${holder} has locked`
}

/** Waits until no entry of file pages [first, last) is locked. */
export const untilEntryUnlocked: Wait<Kernel, Omit<Span, 'vpn'>> = {
  state: 'D',
  ready: (k, { inode, first, last }) => lockedEntry(k, inode, first, last) === undefined,
  reason: (k, { inode, first, last }) => lockReason(k, inode, first, last),
  holders: (k, { inode, first, last }) =>
    taskHolds(lockedEntry(k, inode, first, last)?.holder ?? 0),
}

/** Waits until nobody has the entry of a fault locked. */
export const untilSpanUnlocked = at(untilEntryUnlocked, spanOf)

/** The first block of the span, if the whole span is one extent. `hole` where it has no block at all. */
export function blockOf(k: Kernel, { inode, first, last }: Span): number | 'hole' | 'pieces' {
  const extents = k.extents.in(inode).runs(first, last)
  const [extent] = extents
  if (extent === undefined) return 'hole'
  return extents.length === 1 && extent.start === first && extent.end === last
    ? extent.pfn
    : 'pieces'
}

export const unlockEntries = (k: Kernel, inode: number, first: number, last: number): void =>
  k.daxEntries
    .in(inode)
    .edit(first, last, ({ flags }) => ({ flags: flags & ~DAX.locked, holder: 0 }))

/** The pages of the entry that a span lies in: a PMD entry is locked and marked as a whole. */
export function slotOf(k: Kernel, { inode, first, last }: Span): [first: number, last: number] {
  const entries = k.daxEntries.in(inode)
  const isPmd = entries.has(first) && (entries.at(first).flags & DAX.pmd) !== 0
  const start = first - (first % PMD_PAGES)
  return isPmd ? [start, start + PMD_PAGES] : [first, last]
}

/** The pages of all entries that a range of file pages touches: one of 2 MiB counts whole. */
export function slotsOf(
  k: Kernel,
  { inode, first, last }: Omit<Span, 'vpn'>,
): [first: number, last: number] {
  const [start] = slotOf(k, { inode, first, last: first + 1, vpn: 0 })
  const [, end] = slotOf(k, { inode, first: last - 1, last, vpn: 0 })
  return [start, end]
}

/** pmd_downgrade of grab_mapping_entry(): a PMD of zeroes makes way for entries of single pages. */
export function downgrade(k: Kernel, span: Span): void {
  const { inode } = span
  const entries = k.daxEntries.in(inode)
  const [first, last] = slotOf(k, span)
  if (last - first === 1 || (entries.at(first).flags & (DAX.zero_page | DAX.empty)) === 0) return
  unmap_mapping_range(k, inode, first, last)
  entries.clear(first, last)
}

/** Drops the locked entry of a fault that failed: an empty one goes, any other is unlocked. */
export function releaseEntry(k: Kernel, span: Span): void {
  const { inode } = span
  const entries = k.daxEntries.in(inode)
  for (const entry of entries.runs(...slotOf(k, span))) {
    if ((entry.flags & DAX.empty) !== 0) entries.clear(entry.start, entry.end)
    else unlockEntries(k, inode, entry.start, entry.end)
  }
}

/**
 * dax_delete_mapping_entry(): deletes the entries of [first, last), as truncate and the punch of a hole
 * do; none is locked. One of 2 MiB that the range touches goes whole.
 */
export function deleteEntries(k: Kernel, inode: number, first: number, last: number): void {
  const [from, to] = slotsOf(k, { inode, first, last })
  disassociate(k, inode, from, to, true)
  k.daxEntries.in(inode).clear(from, to)
}

/** Bits that mark an entry of DAX: from 6.15 on it is an ordinary one, counted in its page. */
export function daxBits(k: Kernel, order: number): number {
  const size = order === 9 ? PTE.pse : 0
  if (k.policy.daxRefcount === 'counted') return size
  return size | PTE.devmap | (order === 9 ? 0 : PTE.special)
}

/** Writes the leaf entry of a fault (vmf_insert_mixed, vmf_insert_pfn_pmd), unless another page is there. */
export function insertLeaf(
  k: Kernel,
  mm: number,
  span: Span,
  pfn: number,
  kind: number,
  write: boolean,
): void {
  const ptes = k.ptes.in(mm)
  const end = span.vpn + span.last - span.first
  const old = ptes.runs(span.vpn, end)[0]
  if (old !== undefined && old.pfn !== pfn) return
  const kept = old === undefined ? 0 : old.flags
  const dirty = write ? PTE.rw | PTE.dirty | PTE.soft_dirty : 0
  const flags = PTE.present | PTE.user | PTE.accessed | PTE.nx | kind | kept | dirty
  const gen =
    k.pages.has(pfn) && k.pages.at(pfn).pgmap !== 0 ? k.pgmaps.at(k.pages.at(pfn).pgmap).gen : 0
  ptes.fill(span.vpn, end, { pfn, flags, gen })
  if (old === undefined && k.policy.daxRefcount === 'counted')
    countDaxEntry(k, pfn, span.last - span.first, 1)
}
