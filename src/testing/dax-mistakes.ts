import { dev_dax_remove } from '../linux/drivers/dax/device'
import { dev_dax_huge_fault } from '../linux/drivers/dax/device-fault'
import { dax_iomap_fault } from '../linux/fs/dax'
import { xfs_break_layouts, xfs_vn_setattr } from '../linux/fs/xfs/xfs_file'
import type { Mistake } from './mutate'
import { F1 } from './truncate-kernel'

/** Mistakes of truncate, and of the fault that it meets. */
export const truncateMistakes = {
  doesNotScan: {
    mistake: 'truncate does not look for pages under DMA',
    operation: xfs_break_layouts,
    step: 'scan',
    mutant: (_k, t) => t.done(),
  },
  scansFirst: {
    mistake: 'truncate scans before it unmaps',
    operation: xfs_break_layouts,
    step: 'unmap',
    mutant: () => 'scan',
  },
  keepsMmaplock: {
    mistake: 'MMAPLOCK is kept while truncate sleeps',
    operation: xfs_break_layouts,
    step: 'drop_mmaplock',
    mutant: () => 'sleep',
  },
  losesBreak: {
    mistake: 'the first break takes no reference',
    operation: xfs_vn_setattr,
    step: 'break_lease',
    mutant(k, t, original) {
      const isFirst = k.daxLeases.find(({ breaking }) => breaking === 0) !== undefined
      const next = original(k, t)
      if (isFirst) k.daxLeases.at(1).dl_count -= 1
      return next
    },
  },
  unlocksEntry: {
    mistake: 'the fault unlocks the entry before the page is mapped',
    operation: dax_iomap_fault,
    step: 'insert_entry',
    mutant(k, t, original) {
      const next = original(k, t)
      k.daxEntries.in(F1).edit(0, 1, () => ({ flags: 0, holder: 0 }))
      return next
    },
  },
} satisfies Readonly<Record<string, Mistake>>

/** Mistakes of a DAX device that goes, and of the fault that it meets. */
export const removalMistakes = {
  keepsEntries: {
    mistake: 'the removal leaves the entries (W14)',
    operation: dev_dax_remove,
    step: 'unmap',
    mutant: () => 'cdev_del',
  },
  looksTooEarly: {
    mistake: 'a fault of the device looks outside SRCU whether it is alive (W17)',
    operation: dev_dax_huge_fault,
    step: 'read_lock',
    mutant(k, t, original) {
      const next = original(k, t)
      for (const dax of k.daxDevices.rows()) dax.srcu_readers = 0
      return next
    },
  },
} satisfies Readonly<Record<string, Mistake>>
