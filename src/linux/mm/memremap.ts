import { int, ref } from '../../arena'
import { mapDirectly, unmapDirectly } from '../arch/x86/mm/direct-map'
import { pmem_pagemap_kill } from '../drivers/nvdimm/pmem-kill'
import { EINVAL, ENOMEM, ENXIO } from '../include/errno'
import { PGMAP_OPS } from '../include/memremap'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { intersectsSystemRam } from '../kernel/resource'
import { operation } from '../operation'
import { taskHolds } from '../wait-holders'
import { refHolders, waitReason } from './memremap-holders'
import {
  countsEveryPage,
  get_dev_pagemap,
  idleCount,
  isMigratable,
  type Pgmap,
  put_dev_pagemap,
  putsEveryPage,
  rangeAt,
  rangesOf,
  type Span,
  usableRanges,
} from './memremap-ref'

/** pfn_len(): references that stand for the pages; one for each folio where pages make folios. */
const pfnLength = ({ vmemmap_shift }: Pgmap, { start, end }: Span): number =>
  (end - start) / 2 ** vmemmap_shift

/** Does the driver give what this type of memory needs? */
function isComplete({ type, ops, owner, nr_range }: Pgmap): boolean {
  const needed =
    type === 'PRIVATE' ? PGMAP_OPS.page_free | PGMAP_OPS.migrate_to_ram : PGMAP_OPS.page_free
  if (nr_range === 0) return false
  return !isMigratable({ type }) || ((ops & needed) === needed && owner !== '')
}

/** True if a live pgmap has the page. */
function isTaken(k: Kernel, pfn: number): boolean {
  const other = get_dev_pagemap(k, pfn)
  if (other !== undefined) put_dev_pagemap(other)
  return other !== undefined
}

/** pagemap_range() up to xa_store_range(): an errno, or 0. */
function store_range(k: Kernel, pgmap: Pgmap): number {
  const i = pgmap.nr_range
  const { start, end } = rangeAt(k, pgmap, i)
  if (i > 0 && pgmap.altmap > 0) return -EINVAL
  if (isTaken(k, start) || isTaken(k, end - 1)) return -ENOMEM
  if (intersectsSystemRam(k, start, end)) return -ENXIO
  k.pgmapArray.fill(start, end, { pgmap: pgmap.id })
  return 0
}

/** The range that is being made: the last. */
const newest = (k: Kernel, pgmap: Pgmap, ranges: (k: Kernel, pgmap: Pgmap) => Span[]): Span => {
  const [last = pgmap] = ranges(k, pgmap).slice(-1)
  return last
}

/** §1.4 of the DAX sheet. The driver has described its memory; the pgmap is returned, or an errno. */
export const memremap_pages = operation({
  name: 'memremap_pages',
  does: 'Gives the memory of a device struct pages.',
  source: { file: 'mm/memremap.c', fn: 'memremap_pages', version: '6.12' },
  leftOut:
    'The memory type of the range, and what the memory map itself takes of an altmap. The place in the direct map, which memory that the CPU cannot address has not, is kept only where protection keys are simulated.',
  params: { pgmap: ref('dev_pagemap') },
  locals: { ranges: int(), error: int() },
  entry: 'init',
  steps: {
    init: {
      does: 'Check that the driver gives what the type needs. Initialise the percpu_ref: one reference, counted on each CPU. If no pgmap and no System RAM is there, store the range in pgmap_array: lookups succeed from here.',
      fn: 'percpu_ref_init',
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        if (!isComplete(pgmap)) return t.done(-EINVAL)
        t.ranges = pgmap.nr_range
        pgmap.nr_range = 0
        pgmap.state = 'live'
        pgmap.mode = 'percpu'
        pgmap.done = 0
        pgmap.ref = 1
        return beginRange(k, t)
      },
    },
    add_memory: {
      does: 'Add the range to ZONE_DEVICE: every page gets a struct page, idle: at refcount 1, but for memory that is migrated to from 6.1 on, and files and P2PDMA from 6.15 on: at 0.',
      fn: 'memmap_init_zone_device',
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        const { start, end } = newest(k, pgmap, usableRanges)
        const refcount = idleCount(k, pgmap.type)
        k.pages.fill(start, end, { flags: PG.reserved, refcount, pgmap: t.pgmap })
        if (pgmap.type !== 'PRIVATE') mapDirectly(k, start, end, pgmap.type === 'FS_DAX')
        return 'get_pages'
      },
    },
    get_pages: {
      does: 'Take one pgmap reference for each page; from 6.1 on not for memory that is migrated to, where each page takes it as it is handed out.',
      fn: 'percpu_ref_get_many',
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        if (countsEveryPage(k, pgmap)) pgmap.ref += pfnLength(pgmap, newest(k, pgmap, usableRanges))
        return pgmap.nr_range === t.ranges ? t.done(t.pgmap) : 'next_range'
      },
    },
    next_range: {
      does: 'The next range: an altmap is for one alone; nobody else may be there; then store it.',
      fn: 'pagemap_range',
      run: beginRange,
    },
    unwind: {
      does: 'A range failed: take away the ranges that are done.',
      fn: 'memunmap_pages',
      run: (_k, t) => t.call(memunmap_pages, { pgmap: t.pgmap }, 'unwound'),
    },
    unwound: {
      does: 'Nothing is left of it.',
      run(k, t) {
        k.pgmaps.at(t.pgmap).nr_range = t.ranges
        return t.done(t.error)
      },
    },
  },
})

/** Stores the next range, or notes why that cannot be. */
function beginRange(k: Kernel, t: { pgmap: number; error: number }): 'add_memory' | 'unwind' {
  const pgmap = k.pgmaps.at(t.pgmap)
  t.error = store_range(k, pgmap)
  if (t.error < 0) return 'unwind'
  pgmap.nr_range += 1
  return 'add_memory'
}

/**
 * put_page() of every page of a device, as up to 5.17: an idle one gives its pgmap reference back. Of a
 * folio it is the head that counts (for_each_device_pfn), and tails have nothing to give.
 */
function putEveryPage(k: Kernel, pgmap: Pgmap): void {
  const folio = 2 ** pgmap.vmemmap_shift
  let idle = 0
  for (const range of usableRanges(k, pgmap))
    k.pages.edit(range.start, range.end, ({ refcount, start, end }) => {
      if (refcount === 1) idle += Math.ceil(end / folio) - Math.ceil(start / folio)
      return { refcount: Math.max(0, refcount - 1) }
    })
  put_dev_pagemap(pgmap, idle)
}

/** percpu_ref_put_many(), where each page has had a reference from the beginning. */
function putAtOnce(k: Kernel, pgmap: Pgmap): void {
  if (!countsEveryPage(k, pgmap)) return
  const lengths = usableRanges(k, pgmap).map((range) => pfnLength(pgmap, range))
  put_dev_pagemap(
    pgmap,
    lengths.reduce((sum, length) => sum + length, 0),
  )
}

function removeMemory(k: Kernel, { start, end }: Span): void {
  k.pages.clear(start, end)
  k.folios.clear(start, end)
  k.holders.clear(start, end)
  unmapDirectly(k, start, end)
}

/** §1.5 of the DAX sheet. */
export const memunmap_pages = operation({
  name: 'memunmap_pages',
  does: 'Takes the struct pages of a device away.',
  source: {
    file: 'mm/memremap.c',
    fn: 'memunmap_pages',
    version: '6.12',
    note: 'Up to 5.17 it dropped a reference of every page, and so waited for page pins (policy memunmapWait). That the queue of the disk lent its reference up to 5.15 is from memory.',
  },
  leftOut:
    'What is still in use of an altmap is only warned of. Up to 5.17 the put of a used device-private page tells its driver wrongly that it is free.',
  params: { pgmap: ref('dev_pagemap') },
  locals: { range: int() },
  entry: 'kill',
  steps: {
    kill: {
      does: 'Kill the percpu_ref (up to 5.15 that of the queue of a disk): from now on get_dev_pagemap() fails. The initial reference goes.',
      fn: 'percpu_ref_kill',
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        if (pgmap.state !== 'live') return 'put_pages'
        pgmap.state = 'dying'
        put_dev_pagemap(pgmap)
        return isKilledByPmem(k, pgmap)
          ? t.call(pmem_pagemap_kill, { pgmap: pgmap.id }, 'put_pages')
          : 'put_pages'
      },
    },
    put_pages: {
      does: 'Drop the references that stood for the pages: all at once from 5.18 on; before, page by page, and a pinned one keeps its.',
      fn: 'percpu_ref_put_many',
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        if (putsEveryPage(k, pgmap)) putEveryPage(k, pgmap)
        else putAtOnce(k, pgmap)
        return k.policy.memunmapWait === 'afterwards' ? 'remove_too_early' : 'switch_to_atomic'
      },
    },
    remove_too_early: {
      does: 'Up to 5.1 the struct pages go before anything is waited for.',
      fn: 'arch_remove_memory',
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        for (const range of rangesOf(k, pgmap)) removeMemory(k, range)
        return 'switch_to_atomic'
      },
    },
    switch_to_atomic: {
      does: 'A grace period ends: the counts of all CPUs are summed into one.',
      fn: 'percpu_ref_switch_to_atomic_rcu',
      when: {
        state: 'D',
        ready: (k) => deafTask(k) === undefined,
        reason: (k) =>
          `waits for a grace period: ${deafTask(k)?.name} is in gup-fast with interrupts off`,
        holders: (k) =>
          k.tasks.rows().flatMap(({ id, irqs_off }) => (irqs_off === 0 ? [] : taskHolds(id))),
      },
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        pgmap.mode = 'atomic'
        put_dev_pagemap(pgmap, 0)
        return 'wait_done'
      },
    },
    wait_done: {
      does: 'The last pgmap reference is gone. From 5.18 on pins of pages are not waited for; from 6.1 on pages that a driver has handed out are.',
      fn: 'wait_for_completion',
      when: {
        state: 'D',
        ready: (k, t) => k.pgmaps.at(t.pgmap).done === 1,
        reason: (k, t) => waitReason(k, k.pgmaps.at(t.pgmap)),
        holders: (k, t) => refHolders(k, k.pgmaps.at(t.pgmap), t.task.id),
      },
      run: (k) => (k.policy.memunmapWait === 'afterwards' ? 'exit' : 'remove_memory'),
    },
    remove_memory: {
      does: 'Free the struct pages. Page table entries that map them are not looked for.',
      fn: 'arch_remove_memory',
      run(k, t) {
        const range = rangesOf(k, k.pgmaps.at(t.pgmap))[t.range]
        if (range !== undefined) removeMemory(k, range)
        return 'exit'
      },
    },
    exit: {
      does: 'Erase the range from pgmap_array. It was the last: free the percpu_ref.',
      fn: 'percpu_ref_exit',
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        const range = rangesOf(k, pgmap)[t.range]
        if (range !== undefined) k.pgmapArray.clear(range.start, range.end)
        t.range += 1
        if (t.range < pgmap.nr_range) return 'remove_memory'
        pgmap.state = 'exited'
        return t.done()
      },
    },
  },
})

/** ops->kill of pmem as the series of 2021 has it: more than the freeze of the queue. */
const isKilledByPmem = (k: Kernel, { type }: Pgmap): boolean =>
  k.policy.removeNotify === 'massFailure' && type === 'FS_DAX'

/** A CPU without interrupts: no grace period ends while there is one. */
const deafTask = (k: Kernel) => k.tasks.find(({ irqs_off }) => irqs_off !== 0)
