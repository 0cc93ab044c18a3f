import { ref } from '../../arena'
import { USER_PAGES } from '../include/mm_types'
import { unmap_page_range } from '../mm/memory-zap'
import { operation } from '../operation'

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
  locals: { mm: ref('mm_struct') },
  entry: 'exit_mm',
  steps: {
    exit_mm: {
      does: 'Leave the address space. The last user takes it apart.',
      fn: 'exit_mm',
      run(k, t) {
        t.mm = t.task.mm
        const sharers = k.tasks.rows().filter(({ mm }) => mm === t.mm)
        if (sharers.length > 1) return 'zombie'
        const everything = { mm: t.mm, start: 0, end: USER_PAGES, explicit: 1 }
        return t.call(unmap_page_range, everything, 'free_mm')
      },
    },
    free_mm: {
      does: 'Free the areas and the page tables.',
      fn: 'exit_mmap',
      run(k, t) {
        for (const { id, vm_mm } of k.vmas.rows()) if (vm_mm === t.mm) k.vmas.free(id)
        for (const handle of k.pinHandles.rows()) if (handle.mm === t.mm) handle.mm = 0
        for (const { id } of k.pipes.rows())
          k.pipeBuffers.in(id).edit(0, 2 ** 20, ({ mm }) => ({ mm: mm === t.mm ? 0 : mm }))
        k.contents.edit(0, 2 ** 44, ({ stored_by }) => ({
          stored_by: stored_by === t.mm ? 0 : stored_by,
        }))
        return 'zombie'
      },
    },
    zombie: {
      does: 'The thread is gone.',
      fn: 'do_task_dead',
      run(k, t) {
        const sharers = k.tasks.rows().filter(({ mm }) => mm === t.mm)
        t.task.mm = 0
        t.task.role = 'zombie'
        if (sharers.length === 1) k.mms.free(t.mm)
        return t.done()
      },
    },
  },
})
