import { int, ref, wide } from '../../arena'
import { flush_tlb_range, untilFlushed } from '../arch/x86/mm/tlb'
import { mkwrite, PMD_PAGES, PTE, wrprotect } from '../arch/x86/pgtable'
import { EINVAL } from '../include/errno'
import { VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { isAnon, isExclusive, isUncounted, isZeroPage, refcountOf } from './folio'
import { lockPtl, unlockPtl, untilMmapWritable, untilNextPtl } from './locks'
import { isPfnmap } from './memory-pfnmap'
import { hasArea } from './rmap'

/** Bits of every protection but PROT_NONE, which is PROTNONE and nothing else (pgtable_types.h). */
const MAPPED = PTE.present | PTE.user | PTE.nx

/** The protection that the entry gets: §2.7 of the pins sheet, and the fast path of 6.0. */
function newFlags(
  k: Kernel,
  { vma, pfn, flags }: { vma: number; pfn: number; flags: number },
): number {
  const { vm_flags } = k.vmas.at(vma)
  if ((vm_flags & (VM.read | VM.write)) === 0)
    return (restrict(k, pfn, flags) & ~(MAPPED | PTE.rw)) | PTE.protnone
  const open = (flags & ~PTE.protnone) | MAPPED
  if ((vm_flags & VM.write) === 0) return restrict(k, pfn, open)
  if ((vm_flags & VM.shared) !== 0) return mkwrite(open)
  return can_change_pte_writable(k, vm_flags, pfn, open) ? mkwrite(open) : restrict(k, pfn, open)
}

/** pte_wrprotect(), which (vi) does not do to a writable page that anybody else refers to. */
function restrict(k: Kernel, pfn: number, flags: number): number {
  const isShielded =
    k.policy.cowReuse === 'linus' && (flags & PTE.rw) !== 0 && refcountOf(k, pfn) !== 1
  return isShielded ? flags : wrprotect(flags, k.policy.savedDirty === 'on')
}

function can_change_pte_writable(k: Kernel, vmFlags: number, pfn: number, flags: number): boolean {
  if (k.policy.mprotectUpgrade === 'fault' || isUncounted(flags) || isZeroPage(k, pfn)) return false
  const tracksSoftDirty = (vmFlags & VM.softdirty) === 0
  if (tracksSoftDirty && (flags & PTE.soft_dirty) === 0) return false
  return isAnon(k, pfn) && isExclusive(k, pfn)
}

export const mprotect_fixup = operation({
  name: 'mprotect_fixup',
  does: 'Changes what the process may do with an area. References and pins are not looked at.',
  source: { file: 'mm/mprotect.c', fn: 'mprotect_fixup', version: '6.12' },
  leftOut: 'Parts of an area, I/O memory, NUMA hinting, PROT_EXEC, swap entries.',
  start: {
    label: 'mprotect(PROT_READ)',
    on: ['vma'],
    by: 'process',
    args: (k, { id }) => ({ vma: k.vmas.at(id).id, read: 1, write: 0 }),
    refuse(k, { vma, read, write }, task) {
      if (!hasArea(k, vma)) return 'There is no such area.'
      if (k.vmas.at(vma).vm_mm !== k.tasks.at(task).mm) return 'The area is of another process.'
      if (isPfnmap(k.vmas.at(vma))) return 'The protection of I/O memory is not changed here.'
      return [read, write].every((each) => each === 0 || each === 1)
        ? undefined
        : 'Reading and writing are allowed (1) or not (0).'
    },
  },
  params: { vma: ref('vm_area_struct'), read: int(), write: int() },
  locals: { mm: ref('mm_struct'), vpn: wide(), pfn: wide(), flags: int(), length: int() },
  entry: 'begin',
  steps: {
    begin: {
      does: 'Find the area.',
      run(k, t) {
        if (!hasArea(k, t.vma)) return t.done(-EINVAL)
        t.mm = k.vmas.at(t.vma).vm_mm
        t.vpn = k.vmas.at(t.vma).vm_start
        return 'lock'
      },
    },
    lock: {
      does: 'Take mmap_lock for writing, and note the new protection in the area.',
      fn: 'vma_start_write',
      when: untilMmapWritable,
      run(k, t) {
        const mm = k.mms.at(t.mm)
        mm.mmap_lock = t.task.id
        mm.tlb_flush_pending += 1
        const vma = k.vmas.at(t.vma)
        const wanted = (t.read === 1 ? VM.read : 0) | (t.write === 1 ? VM.write : 0)
        vma.vm_flags = (vma.vm_flags & ~(VM.read | VM.write)) | wanted
        return 'take_pte'
      },
    },
    take_pte: {
      does: 'Take the page table lock, and exchange the next entry with none: no CPU can change it now.',
      fn: 'ptep_modify_prot_start',
      when: untilNextPtl,
      run(k, t) {
        const { vm_end } = k.vmas.at(t.vma)
        const run = k.ptes.in(t.mm).runs(t.vpn, vm_end)[0]
        if (run === undefined) return 'flush'
        t.vpn = run.start
        if (run.kind !== 'leaf') {
          if (run.kind === 'migration_write' && t.write === 0)
            k.ptes.in(t.mm).at(t.vpn).kind = 'migration_read_exclusive'
          if (run.kind === 'device_private_write' && t.write === 0)
            k.ptes.in(t.mm).at(t.vpn).kind = 'device_private_read'
          t.vpn += 1
          return 'take_pte'
        }
        t.pfn = run.pfn
        t.flags = run.flags
        t.length = (run.flags & PTE.pse) !== 0 ? PMD_PAGES : 1
        lockPtl(k, t.mm, t.vpn, t.task.id)
        k.ptes.in(t.mm).clear(t.vpn, t.vpn + t.length)
        return 'write_pte'
      },
    },
    write_pte: {
      does: 'Write it back with the new bits. From 6.0 on an exclusive page is writable at once. Drop the lock.',
      fn: 'ptep_modify_prot_commit',
      run(k, t) {
        const flags = newFlags(k, t)
        k.ptes.in(t.mm).fill(t.vpn, t.vpn + t.length, { pfn: t.pfn, flags })
        unlockPtl(k, t.mm, t.vpn)
        t.vpn += t.length
        return 'take_pte'
      },
    },
    flush: {
      does: 'Flush the TLBs once for the whole range, and drop mmap_lock.',
      fn: 'flush_tlb_range',
      when: untilFlushed,
      run(k, t) {
        const { vm_start, vm_end } = k.vmas.at(t.vma)
        const mm = k.mms.at(t.mm)
        flush_tlb_range(k, t.mm, vm_start, vm_end)
        mm.tlb_flush_pending -= 1
        mm.mmap_lock = 0
        return t.done()
      },
    },
  },
})
