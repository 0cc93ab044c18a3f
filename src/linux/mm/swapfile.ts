import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { bytesOf } from './contents'
import { clearFlag, hasFlag, setFlag } from './folio'
import { folio_put } from './swap'

/** Slots of the simulated swap device; slot 0 holds its header. */
const SLOTS = 64

/** Entries that name the slot of a page in the swap cache: page_swapcount(). */
export function swapCountOf(k: Kernel, pfn: number): number {
  if (!hasFlag(k, pfn, PG.swapcache)) return 0
  return k.swapMap.at(k.pages.at(pfn).private).count
}

/** add_to_swap(): the page gets a slot, and the swap cache a reference. False: swap is full. */
export function add_to_swap(k: Kernel, pfn: number): boolean {
  let offset = 1
  while (k.swapMap.has(offset)) offset += 1
  if (offset >= SLOTS) return false
  k.swapMap.fill(offset, offset + 1, { has_cache: 1, pfn })
  cache(k, pfn, offset)
  return true
}

/** A page that was just read joins the swap cache for its slot. */
export function add_to_swap_cache(k: Kernel, pfn: number, offset: number): void {
  const slot = k.swapMap.at(offset)
  slot.has_cache = 1
  slot.pfn = pfn
  cache(k, pfn, offset)
}

function cache(k: Kernel, pfn: number, offset: number): void {
  const page = k.pages.at(pfn)
  page.private = offset
  page.flags |= PG.swapcache | PG.dirty
  page.refcount += 1
}

/** swap_duplicate(): one more entry names the slot. */
export function swap_duplicate(k: Kernel, offset: number): void {
  k.swapMap.at(offset).count += 1
}

/** swap_free(): one entry less; the slot goes when nobody needs it. */
export function swap_free(k: Kernel, offset: number): void {
  k.swapMap.at(offset).count -= 1
  forget(k, offset)
}

function forget(k: Kernel, offset: number): void {
  const { count, has_cache } = k.swapMap.at(offset)
  if (count === 0 && has_cache === 0) k.swapMap.clear(offset, offset + 1)
}

/** delete_from_swap_cache(): the swap cache lets the page go, and its reference with it. */
export function delete_from_swap_cache(k: Kernel, pfn: number): void {
  uncache(k, pfn)
  folio_put(k, pfn)
}

/** The part of it that moves no counter: reclaim has frozen the reference already. */
export function uncache(k: Kernel, pfn: number): void {
  const page = k.pages.at(pfn)
  const slot = k.swapMap.at(page.private)
  slot.has_cache = 0
  slot.pfn = 0
  const offset = page.private
  page.private = 0
  clearFlag(k, pfn, PG.swapcache)
  forget(k, offset)
}

/** folio_free_swap(): only if no entry names the slot, and it is not being written. */
export function folio_free_swap(k: Kernel, pfn: number): boolean {
  if (!hasFlag(k, pfn, PG.swapcache) || hasFlag(k, pfn, PG.writeback)) return false
  if (swapCountOf(k, pfn) > 0) return false
  setFlag(k, pfn, PG.dirty)
  delete_from_swap_cache(k, pfn)
  return true
}

/** swap_writepage(): what the page holds is on the device now. */
export function swap_writepage(k: Kernel, pfn: number): void {
  const slot = k.swapMap.at(k.pages.at(pfn).private)
  const { value, rest } = bytesOf(k, pfn)
  slot.written = 1
  slot.value = value
  slot.rest = rest
}
