import { int, ref, wide } from '../../../arena'
import { flush_tlb_range, untilFlushed } from '../../arch/x86/mm/tlb'
import { PMD_PAGES, PTE, wrprotect } from '../../arch/x86/pgtable'
import { USER_PAGES, VM } from '../../include/mm_types'
import type { Kernel } from '../../kernel'
import { exit_mmap, mmget_not_zero, mmput_testzero } from '../../kernel/exit'
import { isAnon, isUncounted, maybeDmaPinned, refcountOf } from '../../mm/folio'
import { lockPtl, unlockPtl, untilMmapWritable, untilNextPtl } from '../../mm/locks'
import { isPfnmap } from '../../mm/memory-pfnmap'
import { vma_lookup } from '../../mm/rmap'
import { operation } from '../../operation'

interface Entry {
  readonly mm: number
  readonly vpn: number
  readonly pfn: number
  readonly flags: number
}

/** pte_is_pinned() (5.11): a writable entry of a private area, on a page that may be pinned. */
function pte_is_pinned(k: Kernel, { mm, vpn, pfn, flags }: Entry): boolean {
  if ((flags & PTE.rw) === 0 || isUncounted(flags) || (flags & PTE.pse) !== 0) return false
  const vma = vma_lookup(k, mm, vpn)
  if (vma === undefined || (vma.vm_flags & VM.shared) !== 0 || !isAnon(k, pfn)) return false
  if (k.policy.cowReuse === 'linus' && refcountOf(k, pfn) !== 1) return true
  if (k.policy.clearRefs === 'all') return false
  return k.mms.at(mm).has_pinned === 1 && maybeDmaPinned(k, pfn)
}

/** §2.5 and §2.7 of the pins sheet: `echo 4 > /proc/PID/clear_refs`. */
export const clear_refs_write = operation({
  name: 'clear_refs_write',
  does: 'Clears the soft-dirty bits of a process, so that the next store to each page faults and sets its bit.',
  source: { file: 'fs/proc/task_mmu.c', fn: 'clear_refs_write', version: '6.12' },
  leftOut: 'The other values that can be written; mmap_lock was taken for reading up to 5.10.',
  start: {
    label: 'Clear soft-dirty (echo 4 > clear_refs)',
    on: ['mm'],
    by: 'admin',
    args: (k, { id }) => ({ mm: k.mms.at(id).id }),
    refuse: (k, { mm }) => (k.mms.isLive(mm) ? undefined : 'There is no such process.'),
  },
  params: { mm: ref('mm_struct') },
  locals: { vpn: wide(), pfn: wide(), flags: int(), length: int() },
  entry: 'mmget',
  steps: {
    mmget: {
      does: 'Keep the address space while it is worked on.',
      fn: 'get_task_mm',
      run: (k, t) => (mmget_not_zero(k, t.mm) ? 'lock' : t.done()),
    },
    lock: {
      does: 'Take mmap_lock for writing; every area loses VM_SOFTDIRTY; a flush is pending from here.',
      fn: 'mmap_write_lock_killable',
      when: untilMmapWritable,
      run(k, t) {
        const mm = k.mms.at(t.mm)
        mm.mmap_lock = t.task.id
        mm.tlb_flush_pending += 1
        for (const vma of k.vmas.rows()) if (vma.vm_mm === t.mm) vma.vm_flags &= ~VM.softdirty
        return 'take_pte'
      },
    },
    take_pte: {
      does: 'Take the page table lock. Maybe pinned: leave the entry alone. gup-fast may pin it behind this look.',
      fn: 'pte_is_pinned',
      when: untilNextPtl,
      run(k, t) {
        const run = k.ptes.in(t.mm).runs(t.vpn, USER_PAGES)[0]
        if (run === undefined) return 'flush'
        t.vpn = run.start
        const area = vma_lookup(k, t.mm, t.vpn)
        if (area !== undefined && isPfnmap(area)) {
          t.vpn = area.vm_end
          return 'take_pte'
        }
        t.length = run.kind === 'leaf' && (run.flags & PTE.pse) !== 0 ? PMD_PAGES : 1
        if (run.kind !== 'leaf') {
          k.ptes.in(t.mm).at(t.vpn).flags &= ~PTE.soft_dirty
          t.vpn += 1
          return 'take_pte'
        }
        t.pfn = run.pfn
        t.flags = run.flags
        if (pte_is_pinned(k, t)) {
          t.vpn += 1
          return 'take_pte'
        }
        lockPtl(k, t.mm, t.vpn, t.task.id)
        return 'clear_pte'
      },
    },
    clear_pte: {
      does: 'Exchange the entry with none: no CPU can change it now, and gup-fast’s second look fails.',
      fn: 'ptep_modify_prot_start',
      run(k, t) {
        const ptes = k.ptes.in(t.mm)
        t.flags = ptes.at(t.vpn).flags
        ptes.clear(t.vpn, t.vpn + t.length)
        return 'write_pte'
      },
    },
    write_pte: {
      does: 'Write it back read-only and not soft-dirty. Whether the page is exclusive does not change.',
      fn: 'clear_soft_dirty',
      run(k, t) {
        const flags = wrprotect(t.flags, k.policy.savedDirty === 'on') & ~PTE.soft_dirty
        k.ptes.in(t.mm).fill(t.vpn, t.vpn + t.length, { pfn: t.pfn, flags })
        unlockPtl(k, t.mm, t.vpn)
        t.vpn += t.length
        return 'take_pte'
      },
    },
    flush: {
      does: 'Flush the TLBs: a store through a stale entry would not be recorded. Drop mmap_lock.',
      fn: 'flush_tlb_mm',
      when: untilFlushed,
      run(k, t) {
        const mm = k.mms.at(t.mm)
        flush_tlb_range(k, t.mm, 0, USER_PAGES)
        // Stores through stale entries came before the clearing was done, and need not be recorded.
        k.ptes.in(t.mm).edit(0, USER_PAGES, ({ flags, written }) => ({
          written: (flags & PTE.soft_dirty) === 0 ? 0 : written,
        }))
        mm.tlb_flush_pending -= 1
        mm.mmap_lock = 0
        return 'mmput'
      },
    },
    mmput: {
      does: 'Let the address space go; if its process has exited meanwhile, take it apart.',
      fn: 'mmput',
      run: (k, t) => (mmput_testzero(k, t.mm) ? t.call(exit_mmap, { mm: t.mm }, 'done') : t.done()),
    },
    done: {
      does: 'Done.',
      run: (_k, t) => t.done(),
    },
  },
})
