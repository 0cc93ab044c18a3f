import { ref } from '../../arena'
import type { Holder } from '../../machine'
import { pmem_pagemap_kill } from '../drivers/nvdimm/pmem-kill'
import { ENOMEM } from '../include/errno'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { handleHolds, handleName, handlesIn, insiders, taskHolds } from '../wait-holders'
import { put_dev_pagemap } from './memremap-ref'

type Pgmap = ReturnType<Kernel['pgmaps']['at']>

/** pfn_len(): references that stand for the pages; one for each folio where pages make folios. */
const pfnLength = ({ start, end, vmemmap_shift }: Pgmap): number =>
  (end - start) / 2 ** vmemmap_shift

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
        const { start, end, gen, mode, align } = k.namespaces.at(t.device)
        for (const old of k.pgmaps.rows()) if (old.device === t.device) k.pgmaps.free(old.id)
        const pgmap = k.pgmaps.alloc({
          type: mode === 'devdax' ? 'GENERIC' : 'FS_DAX',
          vmemmap_shift: mode === 'devdax' && align === 512 ? 9 : 0,
          ref: 1,
          start,
          end,
          device: t.device,
          gen,
        })
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
        const { start, end, type } = k.pgmaps.at(t.pgmap)
        const refcount = k.policy.daxRefcount === 'counted' && type === 'FS_DAX' ? 0 : 1
        k.pages.fill(start, end, { flags: PG.reserved, refcount, pgmap: t.pgmap })
        return 'get_pages'
      },
    },
    get_pages: {
      does: 'Take one pgmap reference for each page.',
      fn: 'percpu_ref_get_many',
      run(k, t) {
        const pgmap = k.pgmaps.at(t.pgmap)
        pgmap.ref += pfnLength(pgmap)
        return t.done(t.pgmap)
      },
    },
  },
})

/**
 * put_page() of every page of a device, as up to 5.17: an idle one gives its pgmap reference back. Of a
 * folio it is the head that counts (for_each_device_pfn), and tails have nothing to give.
 */
function putEveryPage(k: Kernel, pgmap: Pgmap): void {
  const folio = 2 ** pgmap.vmemmap_shift
  let idle = 0
  k.pages.edit(pgmap.start, pgmap.end, ({ refcount, start, end }) => {
    if (refcount === 1) idle += Math.ceil(end / folio) - Math.ceil(start / folio)
    return { refcount: Math.max(0, refcount - 1) }
  })
  put_dev_pagemap(pgmap, idle)
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
  leftOut: 'Device-private memory, and altmap accounting.',
  params: { pgmap: ref('dev_pagemap') },
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
        if (k.policy.memunmapWait !== 'pgmapOnly') putEveryPage(k, pgmap)
        else put_dev_pagemap(pgmap, pfnLength(pgmap))
        return k.policy.memunmapWait === 'afterwards' ? 'remove_too_early' : 'switch_to_atomic'
      },
    },
    remove_too_early: {
      does: 'Up to 5.1 the struct pages go before anything is waited for.',
      fn: 'arch_remove_memory',
      run(k, t) {
        const { start, end } = k.pgmaps.at(t.pgmap)
        k.pages.clear(start, end)
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
      does: 'The last pgmap reference is gone. From 5.18 on pins of pages are not waited for.',
      fn: 'wait_for_completion',
      when: {
        state: 'D',
        ready: (k, t) => k.pgmaps.at(t.pgmap).state === 'dead',
        reason: (k, t) => waitReason(k, k.pgmaps.at(t.pgmap)),
        holders: (k, t) => refHolders(k, k.pgmaps.at(t.pgmap), t.task.id),
      },
      run: (k) => (k.policy.memunmapWait === 'afterwards' ? 'exit' : 'remove_memory'),
    },
    remove_memory: {
      does: 'Free the struct pages. Page table entries that map them are not looked for.',
      fn: 'arch_remove_memory',
      run(k, t) {
        const { start, end } = k.pgmaps.at(t.pgmap)
        k.pages.clear(start, end)
        k.folios.clear(start, end)
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

/** ops->kill of pmem as the series of 2021 has it: more than the freeze of the queue. */
const isKilledByPmem = (k: Kernel, { type }: Pgmap): boolean =>
  k.policy.removeNotify === 'massFailure' && type === 'FS_DAX'

/** A CPU without interrupts: no grace period ends while there is one. */
const deafTask = (k: Kernel) => k.tasks.find(({ irqs_off }) => irqs_off !== 0)

/** Pins that hold the removal up: up to 5.17 each page gives its pgmap reference back at its last put. */
const awaitedPins = (k: Kernel, { start, end }: Pgmap) =>
  k.policy.memunmapWait === 'pgmapOnly' ? [] : handlesIn(k, start, end)

/** What is awaited, with the pins behind it where pins are what holds it up. */
function waitReason(k: Kernel, pgmap: Pgmap): string {
  const { ref: left } = pgmap
  const waits = `waits for pgmap->done: ${left} ${left === 1 ? 'reference is' : 'references are'} left`
  const pins = awaitedPins(k, pgmap).map((pin) => {
    const who = k.tasks.isLive(pin.task) ? k.tasks.at(pin.task).name : 'a process that has exited'
    return `${who} (${handleName(pin)})`
  })
  return pins.length === 0 ? waits : `${waits}; pages are pinned by ${pins.join(', ')}`
}

/** Who has the references that are left: calls with a pgmap in hand, and the pins that count. */
const refHolders = (k: Kernel, pgmap: Pgmap, but: number): Holder[] => [
  ...awaitedPins(k, pgmap).map((pin) => handleHolds(k, pin)),
  ...insiders(k, ({ locals }, task) => task !== but && locals['pgmap'] === pgmap.id),
]
