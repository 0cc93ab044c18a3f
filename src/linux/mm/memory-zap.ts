import { int, ref, wide } from '../../arena'
import { flush_tlb_range, untilFlushed } from '../arch/x86/mm/tlb'
import { DIRTY, isDevicePrivate, PMD_PAGES, PTE } from '../arch/x86/pgtable'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import {
  headOf,
  isAnon,
  isDax,
  isLarge,
  isUncounted,
  isZeroPage,
  pageMapcount,
  refAdd,
  refcountOf,
  setFlag,
} from './folio'
import { handOver, hold } from './holders'
import { isFolioLocked, lockPtl, unlockPtl, untilNextPtl } from './locks'
import { free_zone_device_folio, isHandedOut } from './memremap-ref'
import { isGone } from './oops'
import { free_page } from './page_alloc'
import { zap } from './rmap'
import { addRmapPmd, folio_remove_rmap_pte } from './rmap-anon'
import { folio_put, lru_add_drain } from './swap'
import { folio_free_swap, swap_free } from './swapfile'

interface Range {
  readonly mm: number
  readonly start: number
  readonly end: number
}

/** True if the entry holds no reference of the page that it maps. */
const isPlain = (k: Kernel, { flags, pfn }: { flags: number; pfn: number }): boolean =>
  isUncounted(flags) || isZeroPage(k, pfn) || !k.pages.has(pfn) || isDax(k, pfn)

/** Clears what nobody counts, and entries that are not present; returns the first entry that is left. */
function clearUncounted(k: Kernel, { mm, start, end }: Range) {
  for (const run of k.ptes.in(mm).runs(start, end)) {
    if (run.kind === 'leaf' && !isPlain(k, run)) return run
    if (run.kind === 'swap') for (let i = 0; i < run.length; i++) forgetSwapEntry(k, run.pfn + i)
    if (isDevicePrivate(run)) for (let i = 0; i < run.length; i++) putDevicePrivate(k, run.pfn + i)
    if (run.kind === 'leaf') zap(k, mm, run.start, run.end)
    else k.ptes.in(mm).clear(run.start, run.end)
  }
  return undefined
}

/** zap_nonpresent_ptes(): nobody has the page in a TLB, so it is put at once. */
function putDevicePrivate(k: Kernel, pfn: number): void {
  if (isGone(k, { pfn }, 'zap_pte_range', 'exit_mmap')) return
  folio_remove_rmap_pte(k, pfn)
  folio_put(k, pfn)
}

/** free_swap_and_cache(): the slot loses an entry; its folio leaves the swap cache if nobody else needs it. */
function forgetSwapEntry(k: Kernel, offset: number): void {
  const { has_cache, pfn } = k.swapMap.at(offset)
  swap_free(k, offset)
  if (has_cache === 1 && pageMapcount(k, pfn) === 0 && !isFolioLocked(k, pfn))
    folio_free_swap(k, pfn)
}

/** The process gives the addresses up itself: from here no GUP user can expect to see them. */
function excuse(k: Kernel, { mm, start, end }: Range): void {
  for (const handle of k.pinHandles.rows()) {
    if (handle.mm !== mm) continue
    const next = handle.start + handle.got
    if (start <= next && next < end) handle.unmapped = 1
    const from = Math.max(0, start - handle.start)
    const to = Math.min(handle.pages, end - handle.start)
    if (from < to) k.pinned.in(handle.id).edit(from, to, () => ({ detached: 1 }))
  }
}

/** munmap, MADV_DONTNEED, exit and truncate end here (pins sheet §2.5, W1 rows 7 to 11). */
export const unmap_page_range = operation({
  name: 'unmap_page_range',
  does: 'Clears page table entries, and puts the pages once no TLB can reach them.',
  source: { file: 'mm/memory.c', fn: 'zap_pte_range', version: '6.12' },
  leftOut:
    'Full mmu_gather batches and dirty shared pages, which force a flush in between; page table pages.',
  params: { mm: ref('mm_struct'), start: wide(), end: wide(), explicit: int() },
  locals: { vpn: wide(), pfn: wide(), length: int(), flags: int(), count: int() },
  entry: 'begin',
  steps: {
    begin: {
      does: 'Gather pages, so that they can be put after one flush for all.',
      fn: 'tlb_gather_mmu',
      run(k, t) {
        if (t.explicit === 1) excuse(k, t)
        k.mms.at(t.mm).tlb_flush_pending += 1
        return 'clear_pte'
      },
    },
    clear_pte: {
      does: 'Take the page table lock, and clear the next entry. Other CPUs may still have it in their TLBs.',
      fn: 'zap_present_folio_ptes',
      when: untilNextPtl,
      run(k, t) {
        const run = clearUncounted(k, t)
        if (run === undefined) return 'flush'
        const isPmd = (run.flags & PTE.pse) !== 0
        t.vpn = run.start
        t.pfn = run.pfn
        t.flags = run.flags
        t.length = isPmd ? PMD_PAGES : 1
        lockPtl(k, t.mm, t.vpn, t.task.id)
        k.ptes.in(t.mm).clear(t.vpn, t.vpn + t.length)
        return 'remove_rmap'
      },
    },
    remove_rmap: {
      does: 'The page is mapped once less; it waits in the gather with the entry’s reference. Pins are not looked at.',
      fn: 'folio_remove_rmap_ptes',
      run(k, t) {
        if (t.length > 1) addRmapPmd(k, t.pfn, -1)
        else folio_remove_rmap_pte(k, t.pfn)
        if ((t.flags & DIRTY) !== 0 && !isAnon(k, t.pfn)) setFlag(k, t.pfn, PG.dirty)
        hold(k, headOf(k, t.pfn), 'zap')
        k.gathered.in(t.task.id).fill(t.count, t.count + 1, { pfn: t.pfn })
        t.count += 1
        unlockPtl(k, t.mm, t.vpn)
        return 'clear_pte'
      },
    },
    flush: {
      does: 'Flush the TLBs: every CPU of the process must acknowledge. After this nobody reaches the pages by address.',
      fn: 'tlb_flush_mmu_tlbonly',
      when: untilFlushed,
      run(k, t) {
        flush_tlb_range(k, t.mm, t.start, t.end)
        k.mms.at(t.mm).tlb_flush_pending -= 1
        return t.count === 0 ? t.done() : 'put'
      },
    },
    put: {
      does: 'Drain this CPU’s LRU batch, free swap cache that nobody needs, and put every gathered page.',
      fn: 'free_pages_and_swap_cache',
      run(k, t) {
        lru_add_drain(k, t.task.id)
        for (const pfn of gatheredPages(k, t.task.id)) {
          if (!isLarge(k, pfn) && pageMapcount(k, pfn) === 0 && !isFolioLocked(k, pfn))
            folio_free_swap(k, pfn)
          handOver(k, headOf(k, pfn), 'zap')
          refAdd(k, pfn, -1)
        }
        return 'free'
      },
    },
    free: {
      does: 'What nobody refers to any more goes off the LRU list and back to the allocator.',
      fn: 'free_unref_folios',
      run(k, t) {
        for (const pfn of gatheredPages(k, t.task.id))
          if (isHandedOut(k, pfn)) free_zone_device_folio(k, pfn)
          else if (!k.freePages.has(pfn) && refcountOf(k, pfn) === 0) free_page(k, headOf(k, pfn))
        k.gathered.in(t.task.id).clear(0, t.count)
        return t.done()
      },
    },
  },
})

const gatheredPages = (k: Kernel, task: number): number[] =>
  k.gathered
    .in(task)
    .runs()
    .flatMap(({ pfn, length }) => Array.from({ length }, (_, i) => pfn + i))
