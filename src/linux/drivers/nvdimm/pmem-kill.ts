import { ref, wide } from '../../../arena'
import { PMD_PAGES } from '../../arch/x86/pgtable'
import { DAX } from '../../include/fs'
import { MF } from '../../include/mm'
import type { Kernel } from '../../kernel'
import { printk } from '../../kernel/printk'
import { failUnmapped, memory_failure_dev_pagemap } from '../../mm/memory-failure-dax'
import { operation } from '../../operation'
import { kill_dax } from '../dax/super'

const MAIL = {
  file: 'drivers/nvdimm/pmem.c',
  fn: 'pmem_pagemap_kill',
  version: '5.12 with the series of March 2021',
} as const

/** The next page of a pgmap, from `pfn` on, that belongs to a file. */
function nextOwned(k: Kernel, pgmap: number, pfn: number): number | undefined {
  const { start, end } = k.pgmaps.at(pgmap)
  return k.pages.runs(Math.max(start, pfn), end).find(({ mapping }) => mapping !== 0)?.start
}

/** The page behind the entry that a page belongs to; the next page where that is small, or locked. */
function endOfEntry(k: Kernel, pfn: number): number {
  const { mapping, index } = k.pages.at(pfn)
  const entries = mapping === 0 ? undefined : k.daxEntries.in(mapping)
  const flags = entries?.has(index) === true ? entries.at(index).flags : 0
  const isWhole = (flags & DAX.pmd) !== 0 && (flags & DAX.locked) === 0
  return isWhole ? pfn + PMD_PAGES - (index % PMD_PAGES) : pfn + 1
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
    note: 'As intended: as posted, the reference that the driver drops first makes “still referenced” look off by one. Victims are collected as from 6.1 on; 5.12 itself would find only processes of the thread that removes.',
  },
  leftOut:
    'Bad blocks, scheduling points, and the log lines of pages that belong to no file, or of which nobody is found, which the kernel limits in rate.',
  params: { pgmap: ref('dev_pagemap') },
  locals: { pfn: wide() },
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
        if (next === undefined) return t.done()
        t.pfn = next
        return 'fail_owned'
      },
    },
    fail_owned: {
      does: 'A page of a file: memory_failure(), as if the memory had been lost.',
      fn: 'dev_pagemap_failure',
      run(_k, t) {
        const { pfn, pgmap } = t
        t.pfn += 1
        const args = { pfn, flags: MF.mem_remove, pgmap }
        return t.call(memory_failure_dev_pagemap, args, 'fail_rest')
      },
    },
    fail_rest: {
      does: 'The pages behind it in the same entry of 2 MiB: one call each, and the same for all of which nobody is found. They are one step here.',
      fn: 'dev_pagemap_failure',
      run(k, t) {
        const end = endOfEntry(k, t.pfn - 1)
        const next = failUnmapped(k, t.task.id, { pfn: t.pfn, end })
        k.globals.num_poisoned_pages += next - t.pfn
        t.pfn = next
        return 'fail_unowned'
      },
    },
  },
})
