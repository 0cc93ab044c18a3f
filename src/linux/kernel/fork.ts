import { ref, text, wide } from '../../arena'
import { flush_tlb_range, untilFlushed } from '../arch/x86/mm/tlb'
import { EAGAIN, ENOMEM } from '../include/errno'
import { USER_PAGES, VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { contentsShared } from '../mm/contents'
import { isUncounted } from '../mm/folio'
import { untilMmapWritable } from '../mm/locks'
import { copy_page_range } from '../mm/memory-fork'
import { unmap_page_range } from '../mm/memory-zap'
import { isOwnCopy } from '../mm/rmap'
import { operation } from '../operation'
import { andIomemUnlocked } from './iomem-mapping'

/**
 * Does the area have pages of its own, an anon_vma? A shared area’s entries fault again in the child,
 * and so do those of a private one that only read. Those of I/O memory cannot, and are copied.
 */
function hasOwnPages(k: Kernel, vma: number): boolean {
  const { vm_mm, vm_start, vm_end, vm_flags } = k.vmas.at(vma)
  if ((vm_flags & VM.pfnmap) !== 0) return true
  if ((vm_flags & VM.shared) !== 0) return false
  return k.ptes
    .in(vm_mm)
    .runs(vm_start, vm_end)
    .some((pte) => isOwnCopy(k, pte))
}

const deadTask = (k: Kernel) =>
  k.tasks.find(({ role, id }) => role === 'zombie' && k.machine.isIdle(id))

/** §2.5 of the pins sheet: dup_mmap() under the parent’s mmap_lock. Returns the number of the child’s thread. */
export const kernel_clone = operation({
  name: 'kernel_clone',
  does: 'Forks: a child with the same address space, its pages shared copy-on-write.',
  source: { file: 'kernel/fork.c', fn: 'dup_mmap', version: '6.12' },
  leftOut: 'Everything but memory; VM_WIPEONFORK, VM_DONTCOPY, hugetlb.',
  via: ['__do_sys_clone'],
  start: {
    label: 'Fork',
    on: ['mm', 'task'],
    by: 'process',
    args: (k) => ({ name: childName(k) }),
    refuse(k, { name }, task) {
      const { mm } = k.tasks.at(task)
      if (mm === 0) return 'This thread has no address space here.'
      const areas = k.vmas.rows().filter(({ vm_mm }) => vm_mm === mm).length
      const room = k.vmas.capacity - k.vmas.rows().length
      if (k.mms.isFull || areas > room || (k.tasks.isFull && deadTask(k) === undefined))
        return 'This simulation has no room for another process.'
      const taken = k.tasks.find((each) => each.name === name && each.role !== 'zombie')
      return taken === undefined ? undefined : `There is a thread ${name} already.`
    },
  },
  params: { name: text() },
  locals: { mm: ref('mm_struct'), child: ref('mm_struct'), last: wide() },
  entry: 'begin',
  steps: {
    begin: {
      does: 'The child will have an address space of its own.',
      fn: 'copy_mm',
      run(_k, t) {
        t.mm = t.task.mm
        return 'lock'
      },
    },
    lock: {
      does: 'Take mmap_lock for writing, and copy the areas. They are linked before their entries are there, so that a claim finds them.',
      fn: 'dup_mmap',
      when: andIomemUnlocked(untilMmapWritable),
      run(k, t) {
        const parent = k.mms.at(t.mm)
        const areas = k.vmas.rows().filter(({ vm_mm }) => vm_mm === t.mm)
        const hasRoom = k.vmas.rows().length + areas.length <= k.vmas.capacity
        const child = hasRoom ? k.mms.alloc({ comm: t.name, pid: nextPid(k) }) : undefined
        if (child === undefined) return t.done(-ENOMEM)
        parent.mmap_lock = t.task.id
        parent.tlb_flush_pending += 1
        t.child = child.id
        for (const vma of areas) {
          const { vm_start, vm_end, vm_flags, vm_file, vm_pgoff, i_mmap, label } = vma
          const rest = { vm_start, vm_end, vm_flags, vm_file, vm_pgoff, i_mmap, label }
          k.vmas.make({ ...rest, vm_mm: child.id })
        }
        return 'next_area'
      },
    },
    next_area: {
      does: 'The next private area with pages of its own; none left: the flush.',
      fn: 'vma_needs_copy',
      run(k, t) {
        const vma = k.vmas
          .rows()
          .filter(({ vm_mm, vm_start }) => vm_mm === t.mm && vm_start >= t.last)
          .sort((a, b) => a.vm_start - b.vm_start)
          .find(({ id }) => hasOwnPages(k, id))
        if (vma === undefined) return 'flush'
        t.last = vma.vm_end
        return t.call(copy_page_range, { vma: vma.id, mm: t.mm, child: t.child }, 'after_area')
      },
    },
    after_area: {
      does: 'Go on with the next area.',
      fn: 'dup_mmap',
      run(_k, t) {
        if (t.ret === 0) return 'next_area'
        const everything = { mm: t.child, start: 0, end: USER_PAGES, explicit: 0 }
        return t.call(unmap_page_range, everything, 'give_up')
      },
    },
    give_up: {
      does: 'Out of memory: the child is taken apart again.',
      fn: 'mmput',
      run(k, t) {
        for (const { id } of k.vmas.rows().filter(({ vm_mm }) => vm_mm === t.child)) k.vmas.free(id)
        k.mms.free(t.child)
        t.child = 0
        return 'flush'
      },
    },
    flush: {
      does: 'Flush the parent’s TLBs: from here all of its threads see read-only entries. Drop mmap_lock.',
      fn: 'flush_tlb_mm',
      when: untilFlushed,
      run(k, t) {
        flush_tlb_range(k, t.mm, 0, USER_PAGES)
        // What the parent's other threads stored until now, the child may see: it has not run yet.
        for (const { kind, flags, pfn, length } of k.ptes.in(t.child).runs())
          if (kind === 'leaf' && !isUncounted(flags)) contentsShared(k, pfn, length)
        k.mms.at(t.mm).tlb_flush_pending -= 1
        k.mms.at(t.mm).mmap_lock = 0
        return t.child === 0 ? t.done(-ENOMEM) : 'wake'
      },
    },
    wake: {
      does: 'The child can run. It has the parent’s flags, PF_MCE_EARLY among them.',
      fn: 'wake_up_new_task',
      run(k, t) {
        const { mce_kill } = t.task
        const row = { name: t.name, role: 'process', mm: t.child, mce_kill } as const
        const old = k.tasks.isFull ? deadTask(k) : undefined
        if (old !== undefined) k.tasks.free(old.id)
        const child = k.tasks.alloc(row)
        return t.done(child === undefined ? -EAGAIN : child.id)
      },
    },
  },
})

const nextPid = (k: Kernel): number => Math.max(0, ...k.mms.rows().map(({ pid }) => pid)) + 1

/** `child`, or the next name that no thread has. */
function childName(k: Kernel): string {
  const taken = new Set(
    k.tasks
      .rows()
      .filter(({ role }) => role !== 'zombie')
      .map(({ name }) => name),
  )
  const names = ['child', ...Array.from({ length: 2000 }, (_, i) => `child ${i + 2}`)]
  return names.find((name) => !taken.has(name)) ?? 'child'
}
