import { ref, wide } from '../../../arena'
import { MF } from '../../include/mm'
import type { Kernel } from '../../kernel'
import { printk } from '../../kernel/printk'
import { alikeUntil } from '../../mm/dax-runs'
import { memory_failure_dev_pagemap } from '../../mm/memory-failure-dax'
import { operation } from '../../operation'
import { kill_dax } from '../dax/super'

const MAIL = {
  file: 'drivers/nvdimm/pmem.c',
  fn: 'pmem_pagemap_kill',
  version: '5.12 with the series of March 2021',
} as const

/** The next page of a pgmap, from `pfn` on, that belongs to a file. */
function nextOwned(k: Kernel, pgmap: number, pfn: number): number | undefined {
  const { end } = k.pgmaps.at(pgmap)
  return k.pages.find(pfn, end, ({ mapping }) => mapping !== 0)?.start
}

/** Pages from one of a file on, as far as they are alike: what the loop does to one it does to all. */
function alikePages(k: Kernel, pgmap: number, pfn: number): number {
  const { mapping, index } = k.pages.at(pfn)
  return alikeUntil(k, mapping, index, index + k.pgmaps.at(pgmap).end - pfn) - index
}

/** A file system still has the dax_device: it is mounted, or in use after a lazy unmount. */
const isInUse = (k: Kernel, device: number): boolean =>
  k.superBlocks.find(({ s_daxdev }) => s_daxdev === k.namespaces.at(device).dax) !== undefined

/** W19 and §4.3 of the DAX sheet, column P0. */
export const pmem_pagemap_kill = operation({
  name: 'pmem_pagemap_kill',
  does: 'Turns DAX off, and reports every page of the device as failed while a file system still has it.',
  source: {
    ...MAIL,
    evidence: 'deduced',
    note: 'As intended: as posted, the reference that the driver drops first makes “still referenced” look off by one.',
  },
  leftOut:
    'Bad blocks, scheduling points, and the log lines of pages that belong to no file, which the kernel limits in rate. Pages that are alike are one step, and one call that stands for theirs.',
  params: { pgmap: ref('dev_pagemap') },
  locals: { pfn: wide(), calls: wide() },
  entry: 'kill_dax',
  steps: {
    kill_dax: {
      does: 'The queue is frozen: its reference was the pgmap’s. No fault, read or write can begin any more.',
      fn: 'blk_freeze_queue_start',
      run(k, t) {
        const { device } = k.pgmaps.at(t.pgmap)
        return t.call(kill_dax, { dax: k.namespaces.at(device).dax }, 'is_idle')
      },
    },
    is_idle: {
      does: 'Nobody holds the dax_device any more? Then that is all.',
      fn: 'dax_is_idle',
      run(k, t) {
        const { device, start } = k.pgmaps.at(t.pgmap)
        if (!isInUse(k, device)) return t.done()
        const { name } = k.namespaces.at(device)
        printk(k, `nd_pmem ${name}: DAX active at remove, trigger mass memory failure`)
        t.pfn = start
        return 'fail_unowned'
      },
    },
    fail_unowned: {
      does: 'Page by page: those that belong to no file cannot be locked, -EBUSY, and nothing happens to them. They are one step here, up to the next page of a file.',
      fn: 'dev_pagemap_failure',
      run(k, t) {
        const next = nextOwned(k, t.pgmap, t.pfn)
        const passed = (next ?? k.pgmaps.at(t.pgmap).end) - t.pfn
        t.calls += passed
        t.pfn += passed
        return next === undefined ? 'failed' : 'fail_owned'
      },
    },
    fail_owned: {
      does: 'Pages of a file: memory_failure() for each, as if the memory had been lost. Those that are alike are one step here.',
      fn: 'dev_pagemap_failure',
      run(k, t) {
        const { pfn, pgmap } = t
        const pages = alikePages(k, pgmap, pfn)
        t.calls += pages
        t.pfn += pages
        const args = { pfn, flags: MF.mem_remove, pgmap, pages }
        return t.call(memory_failure_dev_pagemap, args, 'fail_unowned')
      },
    },
    failed: {
      does: 'Every page of the device has been reported, one call each: 262144 for every GiB. That is what was objected to.',
      fn: 'dev_pagemap_failure',
      run: (_k, t) => t.done(),
    },
  },
})
