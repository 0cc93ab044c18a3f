import { ref } from '../../arena'
import { evict } from '../fs/inode'
import { unusedInode } from '../fs/open-files'
import { USER_PAGES } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { unmap_page_range } from '../mm/memory-zap'
import { operation } from '../operation'

/** get_task_mm(): who looks at an address space from outside keeps it. False: it is gone, or not yet anybody’s. */
export function mmget_not_zero(k: Kernel, mm: number): boolean {
  const isKnown = k.tasks.find((task) => task.mm === mm) !== undefined
  if (!k.mms.isLive(mm) || !isKnown || k.mms.at(mm).mm_users === 0) return false
  k.mms.at(mm).mm_users += 1
  return true
}

/** The counting part of mmput(); true if it was the last, and the caller must call exit_mmap(). */
export function mmput_testzero(k: Kernel, mm: number): boolean {
  k.mms.at(mm).mm_users -= 1
  return k.mms.at(mm).mm_users === 0
}

/** Whoever still names the address space forgets it: its row may be another’s next. */
function forgetMm(k: Kernel, gone: number): void {
  for (const { id, vm_mm } of k.vmas.rows()) if (vm_mm === gone) k.vmas.free(id)
  for (const handle of k.pinHandles.rows()) if (handle.mm === gone) handle.mm = 0
  for (const { id } of k.pipes.rows())
    k.pipeBuffers.in(id).edit(0, 2 ** 20, ({ mm }) => ({ mm: mm === gone ? 0 : mm }))
  for (const { id } of k.tasks.rows()) k.unmapBatches.in(id).clear(gone, gone + 1)
  k.contents.edit(0, 2 ** 40, ({ stored_by }) => ({
    stored_by: stored_by === gone ? 0 : stored_by,
  }))
  k.mms.free(gone)
}

export const exit_mmap = operation({
  name: 'exit_mmap',
  does: 'Takes an address space apart that nobody uses any more.',
  source: { file: 'mm/mmap.c', fn: 'exit_mmap', version: '6.12' },
  leftOut: 'Page table pages; the OOM reaper.',
  params: { mm: ref('mm_struct') },
  entry: 'unmap',
  steps: {
    unmap: {
      does: 'Unmap everything.',
      fn: 'unmap_vmas',
      run: (_k, t) =>
        t.call(unmap_page_range, { mm: t.mm, start: 0, end: USER_PAGES, explicit: 1 }, 'free'),
    },
    free: {
      does: 'Free the areas and the page tables.',
      fn: 'free_pgtables',
      run(k, t) {
        forgetMm(k, t.mm)
        return 'fput'
      },
    },
    fput: {
      does: 'The areas let their files go; one that nobody else uses, and that has no name any more, is evicted.',
      fn: 'remove_vma',
      run(k, t) {
        const unused = unusedInode(k, t.task.id)
        return unused === undefined ? t.done() : t.call(evict, { inode: unused.id }, 'fput')
      },
    },
  },
})

export const do_exit = operation({
  name: 'do_exit',
  does: 'A thread exits; with the last one its address space goes.',
  source: { file: 'kernel/exit.c', fn: 'do_exit', version: '6.12' },
  leftOut: 'Files and pipes stay open: somebody else has them too. What is pinned stays pinned.',
  start: {
    label: 'Exit',
    on: ['mm', 'task'],
    by: 'process',
    args: () => ({}),
    refuse: (k, _args, task) =>
      k.tasks.at(task).mm === 0 ? 'This thread has no address space here.' : undefined,
  },
  entry: 'exit_mm',
  steps: {
    exit_mm: {
      does: 'Leave the address space: the CPU’s TLB forgets it. The last user takes it apart.',
      fn: 'exit_mm',
      run(k, t) {
        const { mm } = t.task
        k.tlb.in(t.task.id).clear(0, USER_PAGES)
        t.task.mm = 0
        return mmput_testzero(k, mm) ? t.call(exit_mmap, { mm }, 'zombie') : 'zombie'
      },
    },
    zombie: {
      does: 'The thread is gone.',
      fn: 'do_task_dead',
      run(_k, t) {
        t.task.role = 'zombie'
        return t.done()
      },
    },
  },
})
