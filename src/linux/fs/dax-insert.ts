import { DAX, TAG } from '../include/fs'
import type { Kernel } from '../kernel'
import { holdRun } from '../mm/holders'
import { isGone } from '../mm/oops'
import { unmap_mapping_range } from '../mm/rmap'
import { associate, disassociate } from './dax-association'
import { type Span, slotOf } from './dax-entries'

/** What a fault puts into its entry. */
interface Insertion {
  readonly pfn: number
  readonly order: number
  readonly write: number
  /** IOMAP_F_SHARED: other files have the block too, or had the one that it replaces. */
  readonly shared: number
  /** The page table entry comes later, after a sync, and the dirty mark with it. */
  readonly sync: number
  readonly task: { readonly id: number }
}

/**
 * dax_insert_entry(): the entry of the span, which the fault has locked, gets its pages. One that has
 * pages is left alone, unless they are shared. `associated`: the pages learnt now of the file. `oops`: the
 * device went since direct_access(), and its struct pages with it.
 */
export function dax_insert_entry(
  k: Kernel,
  span: Span,
  t: Insertion,
): 'associated' | 'kept' | 'oops' {
  const { inode, first, last } = span
  const entries = k.daxEntries.in(inode)
  const slot = slotOf(k, span)
  const old = entries.at(first)
  const isShared = t.shared === 1
  const dirty = t.write === 1 && t.sync === 0 ? TAG.dirty : 0
  if ((old.flags & (DAX.zero_page | DAX.empty)) === 0 && !isShared) {
    entries.edit(...slot, ({ marks }) => ({ marks: marks | dirty }))
    return 'kept'
  }
  if ((old.flags & DAX.empty) === 0) unmap_mapping_range(k, inode, ...slot)
  const pages = { pfn: t.pfn, pages: last - first }
  if (isGone(k, pages, 'dax_associate_entry', 'dax_iomap_fault')) return 'oops'
  const marks = old.marks | dirty | (t.write === 1 && isShared ? TAG.towrite : 0)
  const flags = DAX.locked | (t.order === 9 ? DAX.pmd : 0)
  disassociate(k, inode, ...slot, false)
  associate(k, span, t.pfn, isShared)
  entries.clear(...slot)
  entries.fill(first, last, { pfn: t.pfn, flags, marks, holder: k.tasks.at(t.task.id).id })
  return 'associated'
}

/** From 6.15 on the entry is made with a reference of its own, put once the page is mapped. */
export function holdNewPages(k: Kernel, pfn: number, pages: number): number {
  if (k.policy.daxRefcount === 'oneBased' || k.pages.at(pfn).refcount !== 0) return 0
  k.pages.edit(pfn, pfn + pages, ({ refcount }) => ({ refcount: refcount + 1 }))
  holdRun(k, pfn, pfn + pages, 'tmp', 1)
  return 1
}

/** From 6.15 on who maps a page counts that in it: an oops where the device has taken the struct page along. */
export const mapsNoPage = (k: Kernel, pfn: number, pages: number): boolean =>
  k.policy.daxRefcount === 'counted' &&
  isGone(k, { pfn, pages }, 'vmf_insert_page_mkwrite', 'dax_iomap_fault')

/** folio_put() of that reference. */
export function letGo(k: Kernel, pfn: number, pages: number): void {
  k.pages.edit(pfn, pfn + pages, ({ refcount }) => ({ refcount: refcount - 1 }))
  holdRun(k, pfn, pfn + pages, 'tmp', -1)
}
