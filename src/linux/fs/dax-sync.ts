import { int, ref, wide } from '../../arena'
import { DAX, TAG } from '../include/fs'
import { VM_FAULT_NOPAGE, VM_FAULT_OOM, VM_FAULT_SIGBUS } from '../include/mm'
import { VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import {
  daxBits,
  insertLeaf,
  slotOf,
  spanOf,
  unlockEntries,
  untilSpanUnlocked,
} from './dax-entries'
import { mapsNoPage } from './dax-insert'
import { vfs_fsync_range } from './sync'

/** dax_fault_is_synchronous(): would a store be lost, because the log does not know the block yet? */
export function dax_fault_is_synchronous(
  k: Kernel,
  { vma, write }: { vma: number; write: number },
): boolean {
  const { vm_flags, vm_file } = k.vmas.at(vma)
  const isDirty = k.inodes.at(vm_file).datasync_dirty === 1
  return write === 1 && (vm_flags & VM.sync) !== 0 && isDirty
}

/** Row 7 of §2.3 of the DAX sheet, and W30. The caller holds invalidate_lock all the time. */
export const dax_finish_sync_fault = operation({
  name: 'dax_finish_sync_fault',
  does: 'Ends a write fault of a MAP_SYNC mapping: syncs first, and only then makes the page writable.',
  source: { file: 'fs/dax.c', fn: 'dax_finish_sync_fault', version: '6.12' },
  leftOut: 'Nothing that counts here.',
  params: { vma: ref('vm_area_struct'), vpn: wide(), order: int(), pfn: wide() },
  entry: 'fsync',
  steps: {
    fsync: {
      does: 'Sync the pages of the fault, and the log with them.',
      fn: 'vfs_fsync_range',
      run(k, t) {
        const { inode, first, last } = spanOf(k, t)
        return t.call(vfs_fsync_range, { inode: k.inodes.at(inode).id, first, last }, 'lock_entry')
      },
    },
    lock_entry: {
      does: 'Lock the entry again, and mark it dirty. It is gone, or of another size: no entry is made, and the CPU tries again.',
      fn: 'dax_insert_pfn_mkwrite',
      when: untilSpanUnlocked,
      run(k, t) {
        if (t.ret < 0) return t.done(VM_FAULT_SIGBUS)
        const span = spanOf(k, t)
        const entries = k.daxEntries.in(span.inode)
        const pmd = t.order === 9 ? DAX.pmd : 0
        const isSame = entries.has(span.first) && (entries.at(span.first).flags & DAX.pmd) === pmd
        if (!isSame) return t.done(VM_FAULT_NOPAGE)
        const holder = t.task.id
        entries.edit(...slotOf(k, span), ({ flags, marks }) => ({
          flags: flags | DAX.locked,
          marks: marks | TAG.dirty,
          holder,
        }))
        return 'insert_pte'
      },
    },
    insert_pte: {
      does: 'Write the page table entry, under its lock, and unlock the other. From 6.15 on an oops if the struct page is gone.',
      fn: 'vmf_insert_mixed_mkwrite',
      run(k, t) {
        const span = spanOf(k, t)
        const isLost = mapsNoPage(k, t.pfn, span.last - span.first)
        if (!isLost) insertLeaf(k, k.vmas.at(t.vma).vm_mm, span, t.pfn, daxBits(k, t.order), true)
        unlockEntries(k, span.inode, ...slotOf(k, span))
        return t.done(isLost ? VM_FAULT_OOM : VM_FAULT_NOPAGE)
      },
    },
  },
})
