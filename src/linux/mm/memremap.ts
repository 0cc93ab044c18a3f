import { ref } from '../../arena'
import { ENOMEM } from '../include/errno'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'

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

/** §1.4 of the DAX sheet, for the one range of a pmem namespace. */
export const memremap_pages = operation({
  name: 'memremap_pages',
  does: 'Gives the memory of a device struct pages.',
  source: { file: 'mm/memremap.c', fn: 'memremap_pages', version: '6.12' },
  leftOut: 'altmap, several ranges, the memory type of the range, and its place in the direct map.',
  params: { device: ref('nd_namespace') },
  locals: { pgmap: ref('dev_pagemap') },
  entry: 'init',
  steps: {
    init: {
      does: 'Initialise the percpu_ref: one reference, counted on each CPU.',
      fn: 'percpu_ref_init',
      run(k, t) {
        const { start, end, gen } = k.namespaces.at(t.device)
        for (const old of k.pgmaps.rows()) if (old.device === t.device) k.pgmaps.free(old.id)
        const pgmap = k.pgmaps.alloc({ type: 'FS_DAX', ref: 1, start, end, device: t.device, gen })
        if (pgmap === undefined) return t.done(-ENOMEM)
        t.pgmap = pgmap.id
        k.namespaces.at(t.device).pgmap = pgmap.id
        return 'add_memory'
      },
    },
    add_memory: {
      does: 'Add the range to ZONE_DEVICE: every page gets a struct page, idle: at refcount 1 up to 6.14, at 0 from 6.15 on.',
      fn: 'memmap_init_zone_device',
      run(k, t) {
        const { start, end } = k.pgmaps.at(t.pgmap)
        const refcount = k.policy.daxRefcount === 'counted' ? 0 : 1
        k.pages.fill(start, end, { flags: PG.reserved, refcount, pgmap: t.pgmap })
        return 'get_pages'
      },
    },
    get_pages: {
      does: 'Take one pgmap reference for each page.',
      fn: 'percpu_ref_get_many',
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        pgmap.ref += pgmap.end - pgmap.start
        return t.done(t.pgmap)
      },
    },
  },
})

/** §1.5 of the DAX sheet, column E3+ (5.18 and later). */
export const memunmap_pages = operation({
  name: 'memunmap_pages',
  does: 'Takes the struct pages of a device away.',
  source: {
    file: 'mm/memremap.c',
    fn: 'memunmap_pages',
    version: '6.12',
    note: 'Up to 5.17 it dropped a reference of every page, and so waited for page pins.',
  },
  leftOut: 'Device-private memory, and altmap accounting.',
  params: { pgmap: ref('dev_pagemap') },
  entry: 'kill',
  steps: {
    kill: {
      does: 'Kill the percpu_ref: from now on get_dev_pagemap() fails. The initial reference goes.',
      fn: 'percpu_ref_kill',
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        pgmap.state = 'dying'
        put_dev_pagemap(pgmap)
        return 'put_pages'
      },
    },
    put_pages: {
      does: 'Drop the references that stood for the pages. Nobody looks at the pages themselves.',
      fn: 'percpu_ref_put_many',
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        put_dev_pagemap(pgmap, pgmap.end - pgmap.start)
        return 'switch_to_atomic'
      },
    },
    switch_to_atomic: {
      does: 'A grace period ends: the counts of all CPUs are summed into one.',
      fn: 'percpu_ref_switch_to_atomic_rcu',
      when: {
        state: 'D',
        ready: (k) => k.tasks.find(({ irqs_off }) => irqs_off !== 0) === undefined,
        reason: (k) =>
          `waits for a grace period: ${k.tasks.find(({ irqs_off }) => irqs_off !== 0)?.name} is in gup-fast with interrupts off`,
      },
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        pgmap.mode = 'atomic'
        put_dev_pagemap(pgmap, 0)
        return 'wait_done'
      },
    },
    wait_done: {
      does: 'The last pgmap reference is gone. Pins of pages are not waited for.',
      fn: 'wait_for_completion',
      when: {
        state: 'D',
        ready: (k, t) => k.pgmaps.at(t.pgmap).state === 'dead',
        reason: (k, t) => `waits for pgmap->done: ${k.pgmaps.at(t.pgmap).ref} references are left`,
      },
      run: () => 'remove_memory',
    },
    remove_memory: {
      does: 'Free the struct pages. Page table entries that map them are not looked for.',
      fn: 'arch_remove_memory',
      run(k, t) {
        const { start, end } = k.pgmaps.at(t.pgmap)
        k.pages.clear(start, end)
        return 'exit'
      },
    },
    exit: {
      does: 'Erase the range from pgmap_array, and free the percpu_ref.',
      fn: 'percpu_ref_exit',
      run(k, t) {
        k.pgmaps.at(t.pgmap).state = 'exited'
        return t.done()
      },
    },
  },
})
