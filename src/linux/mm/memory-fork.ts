import { int, ref, wide } from '../../arena'

import { isDevicePrivate, mkold, PMD_PAGES, PTE, wrprotect } from '../arch/x86/pgtable'
import { ENOMEM } from '../include/errno'
import { VM } from '../include/mm_types'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { contentsShared, copyPage } from './contents'
import {
  isAnon,
  isKsm,
  isUncounted,
  maybeDmaPinned,
  refAdd,
  refcountOf,
  setFlag,
  tracksExclusive,
} from './folio'
import { getAs, handOver } from './holders'
import { split_huge_pmd } from './huge_memory'
import { handlesOf } from './labels'
import { lockPtl, unlockPtl, untilNextPtl, untilPtl } from './locks'
import { FRESH, WRITTEN } from './memory-anon'
import { isGone } from './oops'
import { alloc_page } from './page_alloc'
import { addRmap, addRmapPmd, folio_add_new_anon_rmap, folio_try_dup_anon_rmap } from './rmap-anon'
import { folio_add_lru, putAs } from './swap'
import { swap_duplicate } from './swapfile'

interface Copying {
  readonly mm: number
  readonly child: number
  readonly vpn: number
  readonly vma: number
}

/** Up to 5.8 nothing was tested, so the parent’s entry could be write-protected before the page was held. */
const protectsFirst = (k: Kernel): boolean => k.policy.forkCopy === 'share' && !tracksExclusive(k)

const savesDirty = (k: Kernel): boolean => k.policy.savedDirty === 'on'

/** The first entry of the area from `vpn` on. */
function nextEntry(k: Kernel, { mm, vpn, vma }: Copying) {
  return k.ptes.in(mm).runs(vpn, k.vmas.at(vma).vm_end)[0]
}

/** §2.5 of the pins sheet: must this page be copied for the child at once? */
export function folio_needs_cow_for_dma(k: Kernel, mm: number, pfn: number): boolean {
  if (k.policy.cowReuse === 'linus' && refcountOf(k, pfn) !== 1) return true
  if (k.policy.forkCopy === 'share') return false
  if (k.policy.forkCopy === 'gup' && handlesOf(k, pfn).length > 0) return true
  return k.mms.at(mm).has_pinned === 1 && maybeDmaPinned(k, pfn)
}

/** A page on a device gets another entry; where its struct page is gone, an oops. */
function dupDevicePrivate(k: Kernel, pfn: number): void {
  if (isGone(k, { pfn }, 'copy_nonpresent_pte', 'copy_page_range')) return
  refAdd(k, pfn, 1)
  folio_try_dup_anon_rmap(k, pfn, false)
  addRmap(k, pfn)
  contentsShared(k, pfn)
}

/** An entry that is not present: a swap slot is named once more; nobody’s page is exclusive now. */
function copyNonPresent(k: Kernel, t: Copying, vpn: number): void {
  const pte = k.ptes.in(t.mm).at(vpn)
  if (pte.kind === 'swap') {
    swap_duplicate(k, pte.pfn)
    const slot = k.swapMap.at(pte.pfn)
    if (slot.has_cache === 1) contentsShared(k, slot.pfn)
  } else if (isDevicePrivate(pte)) {
    dupDevicePrivate(k, pte.pfn)
    pte.kind = 'device_private_read'
  } else if (pte.kind !== 'hwpoison') pte.kind = 'migration_read'
  pte.flags &= ~PTE.swp_exclusive
  const { pfn, flags, kind } = pte
  k.ptes.in(t.child).fill(vpn, vpn + 1, { pfn, flags, kind })
}

/** copy_huge_pmd(): shares a whole huge page; false where it may be pinned, and must be split. */
function copyPmd(k: Kernel, t: Copying, start: number): boolean {
  // A PMD of a file can be faulted again.
  if (k.vmas.at(t.vma).vm_file !== 0) return true
  const ptes = k.ptes.in(t.mm)
  const { pfn, flags } = ptes.at(start)
  const isZero = pfn === k.globals.huge_zero_pfn
  if (!isZero) {
    const needsCow = folio_needs_cow_for_dma(k, t.mm, pfn)
    const mayShare = tracksExclusive(k) ? folio_try_dup_anon_rmap(k, pfn, needsCow) : !needsCow
    if (!mayShare) return false
    refAdd(k, pfn, 1)
    addRmapPmd(k, pfn, 1)
    contentsShared(k, pfn, PMD_PAGES)
  }
  const shared = wrprotect(flags, savesDirty(k))
  ptes.edit(start, start + PMD_PAGES, () => ({ flags: shared }))
  k.ptes.in(t.child).fill(start, start + PMD_PAGES, { pfn, flags: mkold(shared) })
  return true
}

/** W3 rows 1 to 4, W6 and W7 of the pins sheet: the entries of one area, for the child. */
export const copy_page_range = operation({
  name: 'copy_page_range',
  does: 'Copies the page table entries of one private area for the child, and write-protects both.',
  source: {
    file: 'mm/memory.c',
    fn: 'copy_page_range',
    version: '6.12',
    note: 'Up to 5.8 the parent’s entry was write-protected first, up to 5.18 the page was tested before it was held.',
  },
  leftOut: 'mmu notifiers, userfaultfd, batches of entries of one large folio.',
  params: { vma: ref('vm_area_struct'), mm: ref('mm_struct'), child: ref('mm_struct') },
  locals: { vpn: wide(), pfn: wide(), flags: int(), fresh: wide() },
  entry: 'begin',
  steps: {
    begin: {
      does: 'write_protect_seq becomes odd: gup-fast must not pin now.',
      fn: 'raw_write_seqcount_begin',
      run(k, t) {
        k.mms.at(t.mm).write_protect_seq += 1
        t.vpn = k.vmas.at(t.vma).vm_start
        return 'copy_pte'
      },
    },
    copy_pte: {
      does: 'Take both page table locks, and look at the next entry: share it, or copy the page?',
      fn: 'copy_pte_range',
      when: untilNextPtl,
      run(k, t) {
        const run = nextEntry(k, t)
        if (run === undefined) return 'end'
        t.vpn = run.start
        t.pfn = run.pfn
        t.flags = run.flags
        if (run.kind !== 'leaf') {
          copyNonPresent(k, t, t.vpn)
          t.vpn += 1
          return 'copy_pte'
        }
        if ((run.flags & PTE.pse) !== 0) return 'copy_pmd'
        lockPtl(k, t.mm, t.vpn, t.task.id)
        if (isUncounted(run.flags)) return 'set_child'
        if (!isAnon(k, t.pfn)) return 'get_dup'
        if (tracksExclusive(k)) {
          getAs(k, t.pfn, 'tmp')
          return 'try_dup'
        }
        if (folio_needs_cow_for_dma(k, t.mm, t.pfn)) return 'prealloc'
        return protectsFirst(k) ? 'wrprotect' : 'get_dup'
      },
    },
    try_dup: {
      does: 'Exclusive and maybe pinned: not shared. Otherwise it is no longer exclusive, and mapped once more.',
      fn: 'folio_try_dup_anon_rmap_pte',
      run(k, t) {
        const needsCow = folio_needs_cow_for_dma(k, t.mm, t.pfn)
        if (isKsm(k, t.pfn) || folio_try_dup_anon_rmap(k, t.pfn, needsCow)) {
          addRmap(k, t.pfn)
          handOver(k, t.pfn, 'tmp')
          return 'wrprotect'
        }
        putAs(k, t.pfn, 'tmp')
        return 'prealloc'
      },
    },
    get_dup: {
      does: 'Hold the page once more, and count it as mapped once more.',
      fn: 'page_dup_rmap',
      run(k, t) {
        refAdd(k, t.pfn, 1)
        addRmap(k, t.pfn)
        return protectsFirst(k) ? 'set_child' : 'wrprotect'
      },
    },
    wrprotect: {
      does: 'Write-protect the parent’s entry. Its other threads may write through their TLBs until fork flushes them.',
      fn: 'wrprotect_ptes',
      run(k, t) {
        const pte = k.ptes.in(t.mm).at(t.vpn)
        pte.flags = wrprotect(pte.flags, savesDirty(k))
        return protectsFirst(k) ? 'get_dup' : 'set_child'
      },
    },
    set_child: {
      does: 'Write the child’s entry, read-only and old, and drop both locks.',
      fn: 'set_ptes',
      run(k, t) {
        const { pfn, flags, gen } = k.ptes.in(t.mm).at(t.vpn)
        k.ptes.in(t.child).fill(t.vpn, t.vpn + 1, { pfn, flags: mkold(flags), gen })
        if (!isUncounted(flags)) contentsShared(k, pfn)
        unlockPtl(k, t.mm, t.vpn)
        t.vpn += 1
        return 'copy_pte'
      },
    },
    copy_pmd: {
      does: 'A huge page: share it with one entry; maybe pinned: split the parent’s PMD, and go on page by page.',
      fn: 'copy_huge_pmd',
      run(k, t) {
        if (copyPmd(k, t, t.vpn)) t.vpn += PMD_PAGES
        else split_huge_pmd(k, t.mm, t.vpn)
        return 'copy_pte'
      },
    },
    prealloc: {
      does: 'It must be copied: drop the locks, and allocate the child’s page.',
      fn: 'folio_prealloc',
      run(k, t) {
        unlockPtl(k, t.mm, t.vpn)
        const fresh = alloc_page(k)
        if (fresh === undefined) {
          k.mms.at(t.mm).write_protect_seq += 1
          return t.done(-ENOMEM)
        }
        t.fresh = fresh
        return 'look_again'
      },
    },
    look_again: {
      does: 'Take the locks again, and look again; from 5.19 on the page is held while it is judged.',
      fn: 'copy_present_ptes',
      when: untilPtl,
      run(k, t) {
        const run = nextEntry(k, t)
        const isSame = run !== undefined && run.start === t.vpn && run.pfn === t.pfn
        if (!isSame || run.kind !== 'leaf') return 'drop_copy'
        lockPtl(k, t.mm, t.vpn, t.task.id)
        if (tracksExclusive(k)) {
          getAs(k, t.pfn, 'tmp')
        }
        return 'copy_page'
      },
    },
    drop_copy: {
      does: 'The entry has changed: the page that was allocated is not needed.',
      fn: 'folio_put',
      run(k, t) {
        putAs(k, t.fresh, 'alloc')
        return 'copy_pte'
      },
    },
    copy_page: {
      does: 'Still maybe pinned? Then copy the bytes.',
      fn: 'copy_present_page',
      run(k, t) {
        if (tracksExclusive(k)) {
          putAs(k, t.pfn, 'tmp')
        }
        if (!folio_needs_cow_for_dma(k, t.mm, t.pfn)) {
          unlockPtl(k, t.mm, t.vpn)
          return 'drop_copy'
        }
        copyPage(k, t.pfn, t.fresh)
        setFlag(k, t.fresh, PG.uptodate)
        return 'map_copy'
      },
    },
    map_copy: {
      does: 'The copy is the child’s own, writable. The parent’s entry stays as it is: writable, on the page that the device knows.',
      fn: 'copy_present_page',
      run(k, t) {
        folio_add_new_anon_rmap(k, t.fresh, { mm: t.child, vpn: t.vpn })
        handOver(k, t.fresh, 'alloc')
        folio_add_lru(k, t.task.id, t.fresh)
        const mayWrite = (k.vmas.at(t.vma).vm_flags & VM.write) !== 0
        const flags = FRESH | (mayWrite ? WRITTEN : WRITTEN & ~PTE.rw)
        k.ptes.in(t.child).fill(t.vpn, t.vpn + 1, { pfn: t.fresh, flags })
        unlockPtl(k, t.mm, t.vpn)
        t.vpn += 1
        return 'copy_pte'
      },
    },
    end: {
      does: 'write_protect_seq is even again.',
      fn: 'raw_write_seqcount_end',
      run(k, t) {
        k.mms.at(t.mm).write_protect_seq += 1
        return t.done()
      },
    },
  },
})
