import { EBUSY, EIO } from '../include/errno'
import type { MfResult } from '../include/memory-failure'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { printk } from '../kernel/printk'
import { filemap_remove_folio, isOnDisk } from './filemap'
import { clearFlag, hasFlag, isAnon, refcountOf } from './folio'
import { delete_from_swap_cache } from './swapfile'

const RESULT_NAMES: Readonly<Record<MfResult, string>> = {
  IGNORED: 'Ignored',
  FAILED: 'Failed',
  DELAYED: 'Delayed',
  RECOVERED: 'Recovered',
}

/** action_page_types[]: what log lines call the page. */
export type PageType =
  | 'reserved kernel page'
  | 'high-order kernel page'
  | 'get hwpoison page'
  | 'unmapping failed page'
  | 'dirty swapcache page'
  | 'clean swapcache page'
  | 'dirty LRU page'
  | 'clean LRU page'
  | 'already truncated LRU page'
  | 'free buddy page'
  | 'dax page'
  | 'unsplit thp'
  | 'already poisoned page'
  | 'unknown page'

export const logFailure = (k: Kernel, pfn: number, says: string): void =>
  printk(k, `Memory failure: 0x${pfn.toString(16)}: ${says}`)

/** action_result(): counts and logs; 0 where the error was handled, or will be. */
export function action_result(
  k: Kernel,
  pfn: number,
  type: PageType,
  result: MfResult,
  pages = 1,
): number {
  if (type !== 'already poisoned page') k.globals.num_poisoned_pages += pages
  logFailure(k, pfn, `recovery action for ${type}: ${RESULT_NAMES[result]}`)
  return result === 'RECOVERED' || result === 'DELAYED' ? 0 : -EBUSY
}

/** delete_from_lru_cache(): false where it is on no list. */
function delete_from_lru_cache(k: Kernel, pfn: number): boolean {
  if (!hasFlag(k, pfn, PG.lru)) return false
  clearFlag(k, pfn, PG.lru | PG.active)
  return true
}

/** has_extra_refcount(): does anybody but memory_failure(), and a cache that keeps it, hold the page? */
function has_extra_refcount(k: Kernel, pfn: number, type: PageType, extraPins: boolean): boolean {
  const count = refcountOf(k, pfn) - 1 - (extraPins ? 1 : 0)
  if (count > 0) logFailure(k, pfn, `${type} still referenced by ${count} users`)
  return count > 0
}

/** me_pagecache_clean(): anonymous memory just stays away; a file page leaves the page cache. */
function me_pagecache_clean(k: Kernel, pfn: number, type: PageType): MfResult {
  delete_from_lru_cache(k, pfn)
  if (isAnon(k, pfn)) return 'RECOVERED'
  const { mapping, index } = k.pages.at(pfn)
  if (mapping === 0) return 'FAILED'
  const isShmem = !isOnDisk(k, mapping)
  // shmem_error_remove_folio() keeps the page, so that later readers are told.
  if (!isShmem) filemap_remove_folio(k, mapping, index)
  return has_extra_refcount(k, pfn, type, isShmem) ? 'FAILED' : 'RECOVERED'
}

/** me_pagecache_dirty(): the data is lost, and fsync() will say so. */
function me_pagecache_dirty(k: Kernel, pfn: number, type: PageType): MfResult {
  const { mapping } = k.pages.at(pfn)
  if (mapping !== 0) k.inodes.at(mapping).wb_err = -EIO
  return me_pagecache_clean(k, pfn, type)
}

/** me_swapcache_dirty(): kept in the swap cache, so that a process that faults it in is told. */
function me_swapcache_dirty(k: Kernel, pfn: number, type: PageType): MfResult {
  clearFlag(k, pfn, PG.dirty | PG.uptodate)
  const deleted = delete_from_lru_cache(k, pfn)
  const isExtra = has_extra_refcount(k, pfn, type, deleted)
  return deleted && !isExtra ? 'DELAYED' : 'FAILED'
}

/** me_swapcache_clean(): the data is on disk, so the page just leaves the swap cache. */
function me_swapcache_clean(k: Kernel, pfn: number, type: PageType): MfResult {
  delete_from_swap_cache(k, pfn)
  const deleted = delete_from_lru_cache(k, pfn)
  return deleted && !has_extra_refcount(k, pfn, type, false) ? 'RECOVERED' : 'FAILED'
}

/** The row of error_states[] for these flags. */
function typeOf(flags: number): PageType {
  const isDirty = (flags & PG.dirty) !== 0
  if ((flags & PG.reserved) !== 0) return 'reserved kernel page'
  if ((flags & PG.swapcache) !== 0) return isDirty ? 'dirty swapcache page' : 'clean swapcache page'
  if ((flags & PG.lru) !== 0) return isDirty ? 'dirty LRU page' : 'clean LRU page'
  return 'unknown page'
}

function act(k: Kernel, pfn: number, type: PageType): MfResult {
  switch (type) {
    case 'dirty swapcache page':
      return me_swapcache_dirty(k, pfn, type)
    case 'clean swapcache page':
      return me_swapcache_clean(k, pfn, type)
    case 'dirty LRU page':
      return me_pagecache_dirty(k, pfn, type)
    case 'clean LRU page':
      return me_pagecache_clean(k, pfn, type)
    default:
      return 'IGNORED'
  }
}

/** identify_page_state() and page_action(): by the flags as they are, or as they were before. */
export function identify_page_state(k: Kernel, pfn: number, before: number): number {
  const { flags } = k.pages.at(pfn)
  const now = typeOf(flags)
  const type = now === 'unknown page' ? typeOf(before | (flags & PG.dirty)) : now
  return action_result(k, pfn, type, act(k, pfn, type))
}
