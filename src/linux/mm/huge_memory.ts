import { int, ref, wide } from '../../arena'
import { flush_tlb_range, untilFlushed } from '../arch/x86/mm/tlb'
import { mkwrite, PMD_PAGES, PTE } from '../arch/x86/pgtable'
import { VM_FAULT_FALLBACK } from '../include/mm'
import { ENTIRELY_MAPPED } from '../include/mm_types'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { hasFlag, isExclusive, refAdd, refcountOf } from './folio'
import { handOver } from './holders'
import { folio_trylock, folio_unlock, lockPtl, unlockPtl, untilPtl } from './locks'
import { dirtyEntry, FRESH } from './memory-anon'
import { alloc_page, prep_compound_page } from './page_alloc'
import { folio_add_new_anon_rmap, folio_move_anon_rmap, setExclusive } from './rmap-anon'
import { folio_put, lru_add_drain } from './swap'

export const PMD_ORDER = 9

/** A page of 2 MiB, cleared, a folio of its own. Undefined: no aligned block is free. */
function allocHuge(k: Kernel): number | undefined {
  const head = alloc_page(k, 'movable', PMD_PAGES)
  if (head === undefined) return undefined
  prep_compound_page(k, head, PMD_ORDER)
  return head
}

/** get_huge_zero_page(): made at its first use, and kept. */
export function hugeZeroPage(k: Kernel): number | undefined {
  if (k.globals.huge_zero_pfn !== 0) return k.globals.huge_zero_pfn
  const head = allocHuge(k)
  if (head !== undefined) k.globals.huge_zero_pfn = head
  return head
}

/** The first touch of a 2 MiB area with transparent huge pages. */
export const do_huge_pmd_anonymous_page = operation({
  name: 'do_huge_pmd_anonymous_page',
  does: 'Maps 2 MiB of anonymous memory with one PMD: the huge zero page to read, a new huge page to write.',
  source: { file: 'mm/huge_memory.c', fn: 'do_huge_pmd_anonymous_page', version: '6.12' },
  leftOut: 'The deposited page table page, userfaultfd, accounting, khugepaged.',
  params: { vma: ref('vm_area_struct'), mm: ref('mm_struct'), vpn: wide(), write: int() },
  locals: { pfn: wide(), start: wide() },
  entry: 'choose',
  steps: {
    choose: {
      does: 'A read maps the huge zero page; a write allocates. No aligned block: a small page instead.',
      run(k, t) {
        t.start = t.vpn - (t.vpn % PMD_PAGES)
        const pfn = t.write === 0 ? hugeZeroPage(k) : allocHuge(k)
        if (pfn === undefined) return t.done(VM_FAULT_FALLBACK)
        t.pfn = pfn
        return t.write === 0 ? 'zero_page' : 'map'
      },
    },
    zero_page: {
      does: 'Under the lock of the PMD, map the huge zero page read-only.',
      fn: 'set_huge_zero_folio',
      when: untilPtl,
      run(k, t) {
        const ptes = k.ptes.in(t.mm)
        const end = t.start + PMD_PAGES
        if (ptes.runs(t.start, end).length === 0)
          ptes.fill(t.start, end, { pfn: t.pfn, flags: FRESH | PTE.pse })
        return t.done()
      },
    },
    map: {
      does: 'Map it: one entry for all 512 pages. A huge page never waits in an LRU batch.',
      fn: '__do_huge_pmd_anonymous_page',
      when: untilPtl,
      run(k, t) {
        const ptes = k.ptes.in(t.mm)
        const end = t.start + PMD_PAGES
        handOver(k, t.pfn, 'alloc')
        if (ptes.runs(t.start, end).length > 0) {
          folio_put(k, t.pfn)
          return t.done()
        }
        mapHuge(k, t, t.pfn)
        return t.done()
      },
    },
  },
})

interface HugeFault {
  readonly vma: number
  readonly mm: number
  readonly start: number
}

function mapHuge(k: Kernel, { vma, mm, start }: HugeFault, pfn: number): void {
  folio_add_new_anon_rmap(k, pfn, { mm, vpn: start })
  k.pages.at(pfn).flags |= PG.uptodate | PG.lru
  const flags = FRESH | PTE.pse | dirtyEntry(k, vma)
  k.ptes.in(mm).fill(start, start + PMD_PAGES, { pfn, flags })
}

/** A write to a PMD that is read-only. */
export const do_huge_pmd_wp_page = operation({
  name: 'do_huge_pmd_wp_page',
  does: 'A write hits a read-only PMD: a huge page for the zero page, the same page if it is ours alone, or else 512 small entries.',
  source: { file: 'mm/huge_memory.c', fn: 'do_huge_pmd_wp_page', version: '6.12' },
  leftOut: 'userfaultfd; the folio lock is tried, never slept for.',
  params: {
    vma: ref('vm_area_struct'),
    mm: ref('mm_struct'),
    vpn: wide(),
    pfn: wide(),
    unshare: int(),
  },
  locals: { start: wide() },
  entry: 'lock',
  steps: {
    lock: {
      does: 'Take the lock of the PMD. Is it the zero page, or exclusive?',
      fn: 'do_huge_pmd_wp_page',
      when: untilPtl,
      run(k, t) {
        t.start = t.vpn - (t.vpn % PMD_PAGES)
        const ptes = k.ptes.in(t.mm)
        const isSame = ptes.has(t.vpn) && (ptes.at(t.vpn).flags & PTE.pse) !== 0
        if (!isSame) return t.done()
        lockPtl(k, t.mm, t.vpn, t.task.id)
        t.pfn = ptes.at(t.start).pfn
        if (t.pfn === k.globals.huge_zero_pfn) return 'replace_zero'
        return isExclusive(k, t.pfn) ? 'reuse' : 'test'
      },
    },
    replace_zero: {
      does: 'The huge zero page: clear the entry, and map a new huge page; none is free: 512 small entries.',
      fn: 'do_huge_zero_wp_pmd',
      when: untilFlushed,
      run(k, t) {
        const fresh = k.policy.hugeZeroWrite === 'split' ? undefined : allocHuge(k)
        if (fresh === undefined) return 'split'
        k.ptes.in(t.mm).clear(t.start, t.start + PMD_PAGES)
        flush_tlb_range(k, t.mm, t.start, t.start + PMD_PAGES)
        handOver(k, fresh, 'alloc')
        mapHuge(k, t, fresh)
        unlockPtl(k, t.mm, t.vpn)
        return t.done()
      },
    },
    test: {
      does: 'Not exclusive: reuse if one entry maps it and nobody else holds it; up to 5.17 the entries alone are counted.',
      fn: 'do_huge_pmd_wp_page',
      run(k, t) {
        const locked = folio_trylock(k, t.pfn, t.task.id)
        if (!locked) return 'split'
        if (!hasFlag(k, t.pfn, PG.lru)) lru_add_drain(k, t.task.id)
        const mayReuse = isReusable(k, t.pfn)
        if (mayReuse) {
          folio_move_anon_rmap(k, t.pfn, t.mm)
          setExclusive(k, t.pfn)
        }
        folio_unlock(k, t.pfn)
        return mayReuse ? 'reuse' : 'split'
      },
    },
    reuse: {
      does: 'The PMD becomes writable.',
      fn: 'pmdp_set_access_flags',
      run(k, t) {
        if (t.unshare === 0)
          k.ptes.in(t.mm).edit(t.start, t.start + PMD_PAGES, ({ flags }) => ({
            flags: mkwrite(flags) | PTE.accessed | dirtyEntry(k, t.vma),
          }))
        unlockPtl(k, t.mm, t.vpn)
        return t.done()
      },
    },
    split: {
      does: 'Split the PMD into 512 entries; the fault goes on with one of them.',
      fn: '__split_huge_pmd',
      when: untilFlushed,
      run(k, t) {
        split_huge_pmd(k, t.mm, t.start)
        unlockPtl(k, t.mm, t.vpn)
        return t.done(VM_FAULT_FALLBACK)
      },
    },
  },
})

/** Rule (i) judged huge pages by their entries until 5.17; from 5.18 on references count (3bff7e3f1f16). */
function isReusable(k: Kernel, pfn: number): boolean {
  const entries = k.folios.at(pfn).large_mapcount + 1
  const countsEntries = ['mapcount', 'pageCount', 'fullAccuracy', 'labelled', 'linus']
  return countsEntries.includes(k.policy.cowReuse)
    ? entries === 1
    : refcountOf(k, pfn) === 1 && entries === 1
}

/** __split_huge_pmd_locked(): one PMD becomes 512 entries of the same pages. §1.5 of the pins sheet. */
export function split_huge_pmd(k: Kernel, mm: number, start: number): void {
  const ptes = k.ptes.in(mm)
  const end = start + PMD_PAGES
  const { pfn, flags } = ptes.at(start)
  const isZero = pfn === k.globals.huge_zero_pfn
  const entry = flags & ~PTE.pse
  flush_tlb_range(k, mm, start, end)
  if (isZero) {
    for (let vpn = start; vpn < end; vpn++)
      ptes.fill(vpn, vpn + 1, { pfn: k.globals.zero_pfn, flags: entry | PTE.special })
    return
  }
  ptes.fill(start, end, { pfn, flags: entry })
  if ((flags & PTE.dirty) !== 0) k.pages.at(pfn).flags |= PG.dirty
  const exclusive = isExclusive(k, pfn) ? PG.anon_exclusive : 0
  refAdd(k, pfn, PMD_PAGES - 1)
  k.pages.edit(pfn, pfn + PMD_PAGES, (page) => ({
    flags: page.flags | exclusive,
    mapcount: page.mapcount + 1,
  }))
  k.folios.edit(pfn, pfn + PMD_PAGES, (folio) => ({
    large_mapcount: folio.large_mapcount + PMD_PAGES - 1,
    entire_mapcount: folio.entire_mapcount - 1,
    nr_pages_mapped: folio.nr_pages_mapped + PMD_PAGES - ENTIRELY_MAPPED,
  }))
}
