import { choice, ref, wide } from '../../arena'
import { EINVAL } from '../include/errno'
import { VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { isKsm } from './folio'
import { untilMmapReadable } from './locks'
import { handle_mm_fault } from './memory'
import { isPfnmap } from './memory-pfnmap'
import { unmap_page_range } from './memory-zap'
import { hasArea } from './rmap'

/** The first KSM page of an area that is still mapped. */
const ksmEntry = (k: Kernel, vma: number) => {
  const { vm_mm, vm_start, vm_end } = k.vmas.at(vma)
  return k.ptes
    .in(vm_mm)
    .runs(vm_start, vm_end)
    .find(({ kind, pfn }) => kind === 'leaf' && k.pages.has(pfn) && isKsm(k, pfn))
}

const ADVICE = ['DONTNEED', 'MERGEABLE', 'UNMERGEABLE', 'HUGEPAGE'] as const

export const do_madvise = operation({
  name: 'do_madvise',
  does: 'Advice about an area: throw its pages away, let KSM merge them, or stop that.',
  source: { file: 'mm/madvise.c', fn: 'do_madvise', version: '6.12' },
  leftOut:
    'Parts of an area; the other advices; mmap_lock is taken for reading whatever the advice.',
  start: {
    label: 'Throw its pages away (MADV_DONTNEED)',
    on: ['vma'],
    by: 'process',
    args: (k, { id }) => ({ vma: k.vmas.at(id).id, advice: 'DONTNEED' as const }),
    refuse(k, { vma }, task) {
      if (!hasArea(k, vma)) return 'There is no such area.'
      return k.vmas.at(vma).vm_mm === k.tasks.at(task).mm
        ? undefined
        : 'The area is of another process.'
    },
  },
  params: { vma: ref('vm_area_struct'), advice: choice(ADVICE) },
  locals: { mm: ref('mm_struct'), vpn: wide() },
  entry: 'begin',
  steps: {
    begin: {
      does: 'Find the area; I/O memory takes no advice.',
      run(k, t) {
        if (!hasArea(k, t.vma)) return t.done(-EINVAL)
        if (isPfnmap(k.vmas.at(t.vma))) return t.done(-EINVAL)
        t.mm = k.vmas.at(t.vma).vm_mm
        return 'lock'
      },
    },
    lock: {
      does: 'Take mmap_lock.',
      fn: 'madvise_lock',
      when: untilMmapReadable,
      run(k, t) {
        k.mms.at(t.mm).mmap_readers += 1
        const vma = k.vmas.at(t.vma)
        if (t.advice === 'MERGEABLE') vma.vm_flags |= VM.mergeable
        if (t.advice === 'UNMERGEABLE') vma.vm_flags &= ~VM.mergeable
        if (t.advice === 'HUGEPAGE') vma.vm_flags |= VM.hugepage
        if (t.advice === 'UNMERGEABLE') return 'break_ksm'
        if (t.advice !== 'DONTNEED') return 'unlock'
        const { vm_start: start, vm_end: end } = vma
        return t.call(unmap_page_range, { mm: t.mm, start, end, explicit: 1 }, 'unlock')
      },
    },
    break_ksm: {
      does: 'Fault every KSM page of the area, as if to write: each gets a copy of its own.',
      fn: 'break_ksm',
      run(k, t) {
        const entry = ksmEntry(k, t.vma)
        if (entry === undefined) return 'unlock'
        const args = { mm: t.mm, vpn: entry.start, write: 0, unshare: 1, force: 0 }
        return t.call(handle_mm_fault, args, 'break_ksm')
      },
    },
    unlock: {
      does: 'Drop mmap_lock.',
      fn: 'madvise_unlock',
      run(k, t) {
        k.mms.at(t.mm).mmap_readers -= 1
        return t.done()
      },
    },
  },
})
