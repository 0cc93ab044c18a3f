import type { Kernel } from '../kernel'

type Pgmap = ReturnType<Kernel['pgmaps']['at']>

/** get_dev_pagemap(): a reference of the live pgmap that a pfn belongs to; undefined if it is not live. */
export function get_dev_pagemap(k: Kernel, pfn: number): Pgmap | undefined {
  const pgmap = k.pgmaps.find(({ start, end }) => start <= pfn && pfn < end)
  if (pgmap === undefined || pgmap.state !== 'live') return undefined
  pgmap.ref += 1
  return pgmap
}

/** put_dev_pagemap(): the last put of a dying one, once it counts atomically, makes it dead. */
export function put_dev_pagemap(pgmap: Pgmap, references = 1): void {
  pgmap.ref -= references
  if (pgmap.state === 'dying' && pgmap.mode === 'atomic' && pgmap.ref === 0) pgmap.state = 'dead'
}

/** free_zone_device_folio(), from 6.15 on: a page of a DAX device whose count falls to 0 is at 1 again. */
export function free_zone_device_folio(k: Kernel, pfn: number, pages: number): void {
  if (k.policy.daxRefcount !== 'counted') return
  k.pages.edit(pfn, pfn + pages, ({ refcount, pgmap }) => {
    const isGeneric = pgmap !== 0 && k.pgmaps.at(pgmap).type === 'GENERIC'
    return isGeneric && refcount === 0 ? { refcount: 1 } : {}
  })
}

/** The last put of a device page: up to 5.17 it drops the pgmap reference that removal waits for. */
export function free_devmap_managed_page(k: Kernel, pfn: number, pages: number): void {
  if (k.policy.memunmapWait !== 'pagePins') return
  const pgmap = k.pgmaps.find(({ start, end }) => start <= pfn && pfn < end)
  if (pgmap !== undefined && pgmap.state === 'dying') put_dev_pagemap(pgmap, pages)
}
