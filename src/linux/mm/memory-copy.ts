import { int, ref, wide } from '../../arena'
import { flush_tlb_range, untilFlushed } from '../arch/x86/mm/tlb'
import { isPresent, PTE } from '../arch/x86/pgtable'
import { VM_FAULT_OOM } from '../include/mm'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { copyPage } from './contents'
import { isLarge, isUncounted, pageMapcount, setFlag, tracksExclusive } from './folio'
import { getAs, handOver, hold } from './holders'
import { isFolioLocked, lockPtl, unlockPtl, untilPtl } from './locks'
import { dirtyEntry, FRESH } from './memory-anon'
import { alloc_page } from './page_alloc'
import { folio_add_new_anon_rmap, folio_remove_rmap_pte } from './rmap-anon'
import { folio_add_lru, folio_put, putAs } from './swap'
import { folio_free_swap } from './swapfile'

/** A write fault, with the entry as it was when the fault began. */
export interface Fault {
  readonly mm: number
  readonly vpn: number
  readonly pfn: number
  readonly flags: number
  readonly vma: number
}

/** pte_same(): the entry is what the fault saw when it began. */
export function isUnchanged(k: Kernel, { mm, vpn, pfn, flags }: Fault): boolean {
  const ptes = k.ptes.in(mm)
  if (!ptes.has(vpn)) return false
  const pte = ptes.at(vpn)
  // The CPU may have set A or D meanwhile; the kernel compares them too, and faults again.
  return isPresent(pte) && pte.pfn === pfn && pte.flags === flags
}

/** Rows 6 to 13 of W3 of the pins sheet. Begins with the page table lock held. */
export const wp_page_copy = operation({
  name: 'wp_page_copy',
  does: 'Gives the process a copy of a page, and lets the old one go.',
  source: { file: 'mm/memory.c', fn: 'wp_page_copy', version: '6.12' },
  leftOut: 'mmu notifiers, accounting, delayed accounting of waits.',
  params: {
    vma: ref('vm_area_struct'),
    mm: ref('mm_struct'),
    vpn: wide(),
    pfn: wide(),
    flags: int(),
    unshare: int(),
  },
  locals: { fresh: wide() },
  entry: 'take_old',
  steps: {
    take_old: {
      does: 'Copy: hold the old page, and drop the page table lock. From here to the new entry anything may happen to it.',
      fn: 'wp_page_copy',
      run(k, t) {
        if (!isUncounted(t.flags)) {
          getAs(k, t.pfn, 'tmp')
        }
        unlockPtl(k, t.mm, t.vpn)
        return 'copy'
      },
    },
    copy: {
      does: 'Allocate a page, and copy the bytes as they are now. DMA into the old one after this is not seen.',
      fn: '__wp_page_copy_user',
      run(k, t) {
        const fresh = alloc_page(k)
        if (fresh === undefined) {
          dropOld(k, t)
          return t.done(VM_FAULT_OOM)
        }
        t.fresh = fresh
        copyPage(k, t.pfn, fresh)
        setFlag(k, fresh, PG.uptodate)
        return 'clear_pte'
      },
    },
    clear_pte: {
      does: 'Take the page table lock again. Changed: drop the copy. The same: clear the entry first, so that no two CPUs see different pages.',
      fn: 'ptep_clear_flush',
      when: untilPtl,
      run(k, t) {
        if (!isUnchanged(k, t)) {
          putAs(k, t.fresh, 'alloc')
          dropOld(k, t)
          return t.done()
        }
        lockPtl(k, t.mm, t.vpn, t.task.id)
        k.ptes.in(t.mm).clear(t.vpn, t.vpn + 1)
        k.mms.at(t.mm).tlb_flush_pending += 1
        return 'flush'
      },
    },
    flush: {
      does: 'Flush the TLBs of the process.',
      fn: 'flush_tlb_page',
      when: untilFlushed,
      run(k, t) {
        flush_tlb_range(k, t.mm, t.vpn, t.vpn + 1)
        k.mms.at(t.mm).tlb_flush_pending -= 1
        return 'add_rmap'
      },
    },
    add_rmap: {
      does: 'The copy becomes anonymous memory of this process, and waits in this CPU’s LRU batch.',
      fn: 'folio_add_new_anon_rmap',
      run(k, t) {
        folio_add_new_anon_rmap(k, t.fresh, t)
        handOver(k, t.fresh, 'alloc')
        folio_add_lru(k, t.task.id, t.fresh)
        return 'set_pte'
      },
    },
    set_pte: {
      does: 'Write the entry of the copy: writable and dirty; read-only and clean after an unshare request.',
      fn: 'set_pte_at',
      run(k, t) {
        const kept = t.flags & PTE.soft_dirty
        const flags = FRESH | (t.unshare === 1 ? kept : dirtyEntry(k, t.vma))
        k.ptes.in(t.mm).fill(t.vpn, t.vpn + 1, { pfn: t.fresh, flags })
        if (!isUncounted(t.flags)) return 'remove_rmap'
        unlockPtl(k, t.mm, t.vpn)
        return t.done()
      },
    },
    remove_rmap: {
      does: 'The old page is mapped once less; drop the page table lock. The entry’s reference is still to be put.',
      fn: 'folio_remove_rmap_pte',
      run(k, t) {
        folio_remove_rmap_pte(k, t.pfn)
        hold(k, t.pfn, 'zap')
        unlockPtl(k, t.mm, t.vpn)
        return 'put_old'
      },
    },
    put_old: {
      does: 'Put the reference of the old entry.',
      fn: 'folio_put',
      run(k, t) {
        putAs(k, t.pfn, 'zap')
        return 'put_tmp'
      },
    },
    put_tmp: {
      does: 'Put the reference of the fault; if nobody needs the swap cache of the old page, that goes too.',
      fn: 'folio_put',
      run(k, t) {
        const isUnmapped = pageMapcount(k, t.pfn) === 0 && !isLarge(k, t.pfn)
        if (isUnmapped && freesIdleCache(k) && !isFolioLocked(k, t.pfn)) folio_free_swap(k, t.pfn)
        dropOld(k, t)
        return t.done()
      },
    },
  },
})

/** free_swap_cache() after a copy: not in the kernels of rules (i) and (ii), says the pins sheet (W13). */
const freesIdleCache = (k: Kernel): boolean =>
  tracksExclusive(k) || k.policy.cowReuse === 'streamlined'

/** The fault lets go of the old page, where there is one that counts. */
function dropOld(k: Kernel, { pfn, flags }: Fault): void {
  if (isUncounted(flags)) return
  hold(k, pfn, 'tmp', -1)
  folio_put(k, pfn)
}
