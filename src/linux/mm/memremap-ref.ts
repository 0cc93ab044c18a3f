import { NONE, ref, wide } from '../../arena'
import type { Callable } from '../../machine'
import { operationNamed } from '../calls'
import { PGMAP_OPS } from '../include/memremap'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'

export type Pgmap = ReturnType<Kernel['pgmaps']['at']>

/** Page frames [start, end). */
export interface Span {
  readonly start: number
  readonly end: number
}

/** ranges[i]. */
export function rangeAt(k: Kernel, { id, start, end }: Pgmap, i: number): Span {
  if (i === 0) return { start, end }
  const { first, behind } = k.pgmapRanges.in(id).at(i)
  return { start: first, end: behind }
}

/** dev_pagemap.ranges[]: those that have struct pages, or may have them soon. */
export const rangesOf = (k: Kernel, pgmap: Pgmap): Span[] =>
  Array.from({ length: pgmap.nr_range }, (_, i) => rangeAt(k, pgmap, i))

/** pfn_first() to the end of each range: what has struct pages of use. */
export const usableRanges = (k: Kernel, pgmap: Pgmap): Span[] =>
  rangesOf(k, pgmap).map(({ start, end }, i) => ({
    start: i === 0 ? start + pgmap.altmap : start,
    end,
  }))

/** pgmap_pfn_valid(): not a page that holds the memory map itself. */
export const pgmap_pfn_valid = (k: Kernel, pgmap: Pgmap, pfn: number): boolean =>
  usableRanges(k, pgmap).some(({ start, end }) => start <= pfn && pfn < end)

/** Memory that a driver hands out page by page: device-private and device-coherent. */
export const isMigratable = ({ type }: Pick<Pgmap, 'type'>): boolean =>
  type === 'PRIVATE' || type === 'COHERENT'

/** The pgmap in pgmap_array, live or not. */
const xa_load = (k: Kernel, pfn: number): Pgmap | undefined =>
  k.pgmapArray.has(pfn) ? k.pgmaps.at(k.pgmapArray.at(pfn).pgmap) : undefined

/** get_dev_pagemap(): a reference of the live pgmap that a pfn belongs to; undefined if it is not live. */
export function get_dev_pagemap(k: Kernel, pfn: number): Pgmap | undefined {
  const pgmap = xa_load(k, pfn)
  if (pgmap === undefined || pgmap.state !== 'live') return undefined
  pgmap.ref += 1
  return pgmap
}

/** put_dev_pagemap(): the last put of a dying one, once it counts atomically, completes `done`. */
export function put_dev_pagemap(pgmap: Pgmap, references = 1): void {
  pgmap.ref -= references
  if (pgmap.state !== 'dying' || pgmap.mode !== 'atomic' || pgmap.ref !== 0) return
  pgmap.state = 'dead'
  pgmap.done = 1
}

/** free_zone_device_folio() of GENERIC pages, from 6.15 on: one whose count falls to 0 is at 1 again. */
export function resetGenericPages(k: Kernel, pfn: number, pages: number): void {
  if (k.policy.daxRefcount !== 'counted') return
  k.pages.edit(pfn, pfn + pages, ({ refcount, pgmap }) => {
    const isGeneric = pgmap !== 0 && k.pgmaps.at(pgmap).type === 'GENERIC'
    return isGeneric && refcount === 0 ? { refcount: 1 } : {}
  })
}

/** The last put of a device page: up to 5.17 it drops the pgmap reference that removal waits for. */
export function free_devmap_managed_page(k: Kernel, pfn: number, pages: number): void {
  if (k.policy.memunmapWait !== 'pagePins') return
  const pgmap = xa_load(k, pfn)
  if (pgmap !== undefined && pgmap.state === 'dying') put_dev_pagemap(pgmap, pages)
}

/** `_refcount` of a page of a device that nobody has (§1.7 of the DAX sheet). */
export function idleCount(k: Kernel, type: Pgmap['type']): 0 | 1 {
  switch (type) {
    case 'GENERIC':
      return 1
    case 'FS_DAX':
    case 'PCI_P2PDMA':
      return k.policy.daxRefcount === 'counted' ? 0 : 1
    case 'PRIVATE':
    case 'COHERENT':
      return k.policy.devicePageCount === 'zero' ? 0 : 1
    default:
      return type satisfies never
  }
}

/** True if the pgmap counts a reference for each page from the beginning, whether it is used or not. */
export const countsEveryPage = (k: Kernel, pgmap: Pgmap): boolean =>
  !isMigratable(pgmap) || k.policy.devicePageCount !== 'zero'

/** What a driver fills in before it calls memremap_pages(); its former pgmap goes. No room: undefined. */
export function describePgmap(
  k: Kernel,
  former: number,
  about: Parameters<Kernel['pgmaps']['alloc']>[0],
): Pgmap | undefined {
  if (former !== 0 && k.pgmaps.isLive(former)) k.pgmaps.free(former)
  const pgmap = k.pgmaps.alloc({ ...about, state: 'exited' })
  if (pgmap !== undefined) k.pgmapRanges.in(pgmap.id).clear(1, 2 ** 10)
  return pgmap
}

/** Pages that are handed out one by one, each with a pgmap reference of its own. */
export const isLent = (k: Kernel, pgmap: Pgmap): boolean =>
  pgmap.type === 'PCI_P2PDMA' || (isMigratable(pgmap) && k.policy.devicePageCount === 'zero')

/** True if the last user of this page gives it back to a driver, which says so by page_free. */
export const isHandedOut = (k: Kernel, pfn: number): boolean => {
  const { pgmap } = k.pages.at(pfn)
  return pgmap !== 0 && (k.pgmaps.at(pgmap).ops & PGMAP_OPS.page_free) !== 0
}

/** Up to 5.17 the device itself has a reference of each page, and its user one more. */
export const hasExtraCount = (k: Kernel, pgmap: Pgmap): boolean =>
  isMigratable(pgmap) && k.policy.devicePageCount === 'extra'

/** True if memunmap_pages() puts each page, and so waits for who has one (up to 5.17). */
export const putsEveryPage = (k: Kernel, pgmap: Pgmap): boolean =>
  k.policy.memunmapWait !== 'pgmapOnly' && (!isMigratable(pgmap) || hasExtraCount(k, pgmap))

/**
 * A page that a driver handed out was put: free_zone_device_folio(), up to 5.17
 * free_devmap_managed_page(). The last put gives it back to the driver, and idles it.
 */
export function free_zone_device_folio(k: Kernel, pfn: number): void {
  const page = k.pages.at(pfn)
  const pgmap = k.pgmaps.at(page.pgmap)
  const isExtra = hasExtraCount(k, pgmap)
  if (isExtra && page.refcount === 0) free_devmap_managed_page(k, pfn, 1)
  const isPut = pgmap.state !== 'live' && putsEveryPage(k, pgmap)
  const isLast = page.refcount === (isExtra && !isPut ? 1 : 0)
  if (!isLast || k.devmemFree.has(pfn)) return
  page.flags = PG.reserved
  page.mapping_flags = 0
  page.anon_vma = 0
  page.index = NONE
  page.refcount = isExtra ? page.refcount : idleCount(k, pgmap.type)
  k.devmemFree.fill(pfn, pfn + 1, { pgmap: pgmap.id })
  if (isLent(k, pgmap)) put_dev_pagemap(pgmap)
}

/** What the fault of a device-private entry gives its handler. */
export const faultParams = { mm: ref('mm_struct'), vpn: wide(), pfn: wide() }

/**
 * pgmap->ops->migrate_to_ram, a pointer in the kernel too: the fault path knows no drivers. There is
 * one driver here whose memory has device-private entries.
 */
export const migrate_to_ram = (k: Kernel): Callable<typeof faultParams> =>
  operationNamed(k, 'dmirror_devmem_fault')
