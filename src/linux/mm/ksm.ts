import { int, ref, wide } from '../../arena'
import { flush_tlb_range, untilFlushed } from '../arch/x86/mm/tlb'
import { PTE, wrprotect } from '../arch/x86/pgtable'
import { VM } from '../include/mm_types'
import { PAGE_MAPPING_KSM, PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { exit_mmap, mmget_not_zero, mmput_testzero } from '../kernel/exit'
import { operation } from '../operation'
import { bytesOf } from './contents'
import {
  clearFlag,
  isAnon,
  isExclusive,
  isKsm,
  isLarge,
  isUncounted,
  maybeDmaPinned,
  pageMapcount,
  refAdd,
  refcountOf,
} from './folio'
import { getAs } from './holders'
import {
  folio_trylock,
  folio_unlock,
  lockPtl,
  unlockPtl,
  untilPtl,
  untilPtlAndFlush,
} from './locks'
import { vma_lookup } from './rmap'
import { addRmap, folio_remove_rmap_pte } from './rmap-anon'
import { folio_put, putAs } from './swap'
import { swapCountOf } from './swapfile'

const isSame = (k: Kernel, a: number, b: number): boolean => {
  const x = bytesOf(k, a)
  const y = bytesOf(k, b)
  return x.value === y.value && x.rest === y.rest
}

/** stable_tree_search(): a KSM page with the same contents. Nodes whose page is gone are pruned. */
function stable_tree_search(k: Kernel, pfn: number): number | undefined {
  for (const node of k.stableNodes.rows())
    if (!k.pages.has(node.kpfn) || !isKsm(k, node.kpfn)) k.stableNodes.free(node.id)
  return k.stableNodes.find(({ kpfn }) => kpfn !== pfn && isSame(k, kpfn, pfn))?.kpfn
}

/** The unstable tree: another page that may be merged, with the same contents. */
function hasTwin(k: Kernel, pfn: number): boolean {
  const areas = k.vmas.rows().filter(({ vm_flags }) => (vm_flags & VM.mergeable) !== 0)
  return areas.some(({ vm_mm, vm_start, vm_end }) =>
    k.ptes
      .in(vm_mm)
      .runs(vm_start, vm_end)
      .some((run) => {
        const isOther = run.kind === 'leaf' && !isUncounted(run.flags) && run.pfn !== pfn
        return isOther && isAnon(k, run.pfn) && isSame(k, run.pfn, pfn)
      }),
  )
}

const mergeable = (k: Kernel, mm: number, vpn: number): number | undefined => {
  const ptes = k.ptes.in(mm)
  if (!ptes.has(vpn)) return undefined
  const { kind, flags, pfn } = ptes.at(vpn)
  const usable = kind === 'leaf' && (flags & PTE.present) !== 0 && !isUncounted(flags)
  return usable && isAnon(k, pfn) && !isKsm(k, pfn) && !isLarge(k, pfn) ? pfn : undefined
}

/** W16 and W20 of the pins sheet: ksmd looks at one page. */
export const cmp_and_merge_page = operation({
  name: 'cmp_and_merge_page',
  does: 'ksmd tries to replace a page by a KSM page of the same contents.',
  source: { file: 'mm/ksm.c', fn: 'cmp_and_merge_page', version: '6.12' },
  leftOut:
    'The trees, checksums, NUMA; a page without a KSM twin becomes one itself if another page is equal.',
  start: {
    label: 'Let ksmd look at it',
    on: ['pte'],
    by: 'admin',
    args: (k, { id, key }) => ({ mm: k.mms.at(id).id, vpn: key ?? 0 }),
    refuse(k, { mm, vpn }) {
      if (!k.mms.isLive(mm)) return 'There is no such process.'
      if (k.stableNodes.isFull) return 'This simulation has no room for another KSM page.'
      const vma = vma_lookup(k, mm, vpn)
      if (vma === undefined || (vma.vm_flags & VM.mergeable) === 0)
        return 'The area is not mergeable: madvise(MADV_MERGEABLE) comes first.'
      return mergeable(k, mm, vpn) === undefined
        ? 'Only anonymous pages that are mapped are merged.'
        : undefined
    },
  },
  params: { mm: ref('mm_struct'), vpn: wide() },
  locals: { pfn: wide(), kpfn: wide(), flags: int() },
  entry: 'get_page',
  steps: {
    get_page: {
      does: 'Keep the address space, and hold the page.',
      fn: 'follow_page',
      run(k, t) {
        if (!mmget_not_zero(k, t.mm)) return t.done()
        const pfn = mergeable(k, t.mm, t.vpn)
        if (pfn === undefined) return 'mmput'
        t.pfn = pfn
        getAs(k, pfn, 'ksmd')
        return 'search'
      },
    },
    search: {
      does: 'Is there a KSM page of the same contents? Hold it. The stable tree itself holds none.',
      fn: 'stable_tree_search',
      run(k, t) {
        const found = stable_tree_search(k, t.pfn)
        if (found !== undefined && refcountOf(k, found) > 0) {
          t.kpfn = found
          getAs(k, found, 'ksmd')
        } else if (!hasTwin(k, t.pfn)) return 'drop'
        return folio_trylock(k, t.pfn, t.task.id) ? 'clear_pte' : 'drop'
      },
    },
    clear_pte: {
      does: 'Take the page table lock; clear the entry and flush TLBs: from here gup-fast’s second look fails.',
      fn: 'write_protect_page',
      when: untilPtlAndFlush,
      run(k, t) {
        if (mergeable(k, t.mm, t.vpn) !== t.pfn) return 'unlock'
        lockPtl(k, t.mm, t.vpn, t.task.id)
        t.flags = k.ptes.in(t.mm).at(t.vpn).flags
        k.ptes.in(t.mm).clear(t.vpn, t.vpn + 1)
        flush_tlb_range(k, t.mm, t.vpn, t.vpn + 1)
        return 'test_count'
      },
    },
    test_count: {
      does: 'Entries, ksmd’s own reference, and the swap cache: does _refcount say anything more? Or may it be pinned? Then the entry is put back.',
      fn: 'write_protect_page',
      run(k, t) {
        const expected = pageMapcount(k, t.pfn) + 1 + swapCountOf(k, t.pfn)
        const isExtra = refcountOf(k, t.pfn) !== expected
        const isPinned = isExclusive(k, t.pfn) && maybeDmaPinned(k, t.pfn)
        if (isExtra || isPinned) return 'give_up'
        return isExclusive(k, t.pfn) ? 'clear_exclusive' : 'write_pte'
      },
    },
    give_up: {
      does: 'Put the entry back as it was: the page is not merged.',
      fn: 'set_pte_at',
      run(k, t) {
        k.ptes.in(t.mm).fill(t.vpn, t.vpn + 1, { pfn: t.pfn, flags: t.flags })
        unlockPtl(k, t.mm, t.vpn)
        return 'unlock'
      },
    },
    clear_exclusive: {
      does: 'The page is no longer exclusive; barriers on both sides.',
      fn: 'folio_try_share_anon_rmap_pte',
      run(k, t) {
        clearFlag(k, t.pfn, PG.anon_exclusive)
        return 'write_pte'
      },
    },
    write_pte: {
      does: 'Write the entry back, read-only and clean. If it was so before, it is the identical entry.',
      fn: 'set_pte_at',
      run(k, t) {
        const isDirty = (t.flags & (PTE.dirty | PTE.saved_dirty)) !== 0
        if (isDirty) k.pages.at(t.pfn).flags |= PG.dirty
        const clean = wrprotect(t.flags, false) & ~(PTE.dirty | PTE.saved_dirty)
        const flags = isDirty || (t.flags & PTE.rw) !== 0 ? clean : t.flags
        k.ptes.in(t.mm).fill(t.vpn, t.vpn + 1, { pfn: t.pfn, flags })
        unlockPtl(k, t.mm, t.vpn)
        return 'compare'
      },
    },
    compare: {
      does: 'Compare the pages byte by byte: nobody can write to either now. No KSM page yet: this one becomes it.',
      fn: 'pages_identical',
      run(k, t) {
        if (t.kpfn !== 0) return isSame(k, t.pfn, t.kpfn) ? 'get_kpage' : 'unlock'
        const page = k.pages.at(t.pfn)
        page.mapping_flags = PAGE_MAPPING_KSM
        page.anon_vma = 0
        k.contents.edit(t.pfn, t.pfn + 1, () => ({ stored_by: 0 }))
        const { value, rest } = bytesOf(k, t.pfn)
        k.stableNodes.alloc({ kpfn: t.pfn, value, rest })
        return 'unlock'
      },
    },
    get_kpage: {
      does: 'Take the page table lock; hold the KSM page for the entry, and count it as mapped once more.',
      fn: 'replace_page',
      when: untilPtl,
      run(k, t) {
        if (mergeable(k, t.mm, t.vpn) !== t.pfn) return 'unlock'
        lockPtl(k, t.mm, t.vpn, t.task.id)
        refAdd(k, t.kpfn, 1)
        addRmap(k, t.kpfn)
        return 'replace'
      },
    },
    replace: {
      does: 'Clear, flush, and write the entry of the KSM page; the old page loses its entry and that reference.',
      fn: 'replace_page',
      when: untilFlushed,
      run(k, t) {
        const ptes = k.ptes.in(t.mm)
        const { flags } = ptes.at(t.vpn)
        flush_tlb_range(k, t.mm, t.vpn, t.vpn + 1)
        ptes.fill(t.vpn, t.vpn + 1, { pfn: t.kpfn, flags: flags & ~PTE.rw })
        folio_remove_rmap_pte(k, t.pfn)
        folio_put(k, t.pfn)
        unlockPtl(k, t.mm, t.vpn)
        return 'unlock'
      },
    },
    unlock: {
      does: 'Unlock the page.',
      fn: 'unlock_page',
      run(k, t) {
        folio_unlock(k, t.pfn)
        return 'drop'
      },
    },
    drop: {
      does: 'Let both pages go; the merged one is free now.',
      fn: 'put_page',
      run(k, t) {
        if (t.kpfn !== 0) {
          putAs(k, t.kpfn, 'ksmd')
        }
        putAs(k, t.pfn, 'ksmd')
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
