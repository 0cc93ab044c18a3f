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

/** The last put of a device page: up to 5.17 it drops the pgmap reference that removal waits for. */
export function free_devmap_managed_page(k: Kernel, pfn: number, pages: number): void {
  if (k.policy.memunmapWait !== 'pagePins') return
  const pgmap = k.pgmaps.find(({ start, end }) => start <= pfn && pfn < end)
  if (pgmap !== undefined && pgmap.state === 'dying') put_dev_pagemap(pgmap, pages)
}
