import { lockedEntry, spanOf } from '../fs/dax-entries'
import type { Kernel } from '../kernel'
import { alwaysByTask } from '../operation'

/** Steps of a DAX fault that are about to write a page table entry. */
const INSERTS = new Set([
  'dax_iomap_fault.insert_pte',
  'dax_iomap_fault.load_hole',
  'dax_finish_sync_fault.insert_pte',
])

/** S6 of the DAX sheet, §8.1. */
export const entryMadeUnderLocks = alwaysByTask({
  name: 'entryMadeUnderLocks',
  claim:
    'A fault of a DAX file maps a page only under its own lock of the entry, and with invalidate_lock held.',
  sources: [{ file: 'fs/dax.c', fn: 'dax_iomap_pte_fault', version: '6.12' }],
  byTask(k, task) {
    if (!INSERTS.has(k.machine.stepName(task))) return undefined
    const missing = missingLock(k, task)
    if (missing === undefined) return undefined
    const { name } = k.tasks.at(task)
    return { table: 'tasks', id: task, says: `${name} is about to map a page without ${missing}` }
  },
})

function missingLock(k: Kernel, task: number): string | undefined {
  const { vma, vpn, order } = k.machine.frames(task)[0]?.locals ?? {}
  const { inode, first, last } = spanOf(k, {
    vma: Number(vma),
    vpn: Number(vpn),
    order: Number(order),
  })
  const { mmaplock_shared, mmaplock } = k.inodes.at(inode)
  if (lockedEntry(k, inode, first, last)?.holder !== task) return 'the lock of its entry'
  return mmaplock_shared > 0 && mmaplock === 0 ? undefined : 'invalidate_lock'
}
