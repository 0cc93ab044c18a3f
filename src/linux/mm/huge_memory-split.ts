import { choice, int, wide } from '../../arena'
import { at, both } from '../../machine'
import { flush_tlb_range, untilFlushed } from '../arch/x86/mm/tlb'
import { DIRTY, PMD_PAGES, PTE } from '../arch/x86/pgtable'
import { EAGAIN } from '../include/errno'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { allEntries } from './entries'
import {
  clearFlag,
  folioMapcount,
  hasFlag,
  headOf,
  isExclusive,
  maybeDmaPinned,
  refAdd,
  refcountOf,
  setFlag,
  tracksExclusive,
} from './folio'
import { hold, holdRun } from './holders'
import { folio_trylock, folio_unlock, untilFolioUnlocked, untilNextPtl } from './locks'
import { addRmapPmd, folio_remove_rmap_pte } from './rmap-anon'
import { folio_put } from './swap'

type Kinds = 'leaf' | 'migration'

/** The runs of entries of a huge page, present or migrating, in any process. */
const entriesOf = (k: Kernel, head: number, wanted: Kinds) =>
  allEntries(k).filter(
    ({ run }) => run.kind.startsWith(wanted) && run.pfn >= head && run.pfn < head + PMD_PAGES,
  )

interface Walk {
  readonly head: number
  readonly task: { readonly id: number }
}

/** Waits for the lock of the huge page that a page is part of. */
const untilHeadUnlocked = at(
  untilFolioUnlocked,
  (k: Kernel, { pfn }: { readonly pfn: number }) => ({ pfn: headOf(k, pfn) }),
)

/** Waits until the page table of the next process is free, and its CPUs take the flush. */
const untilNextMm = (wanted: Kinds) =>
  at(both(untilNextPtl, untilFlushed), (k: Kernel, { head, task }: Walk) => {
    const mm = entriesOf(k, head, wanted)[0]?.mm
    return mm === undefined ? undefined : { mm, task }
  })

/** try_to_migrate() of all entries of one process: false where the page may be pinned. */
function unmapFrom(k: Kernel, mm: number, head: number): boolean {
  const runs = entriesOf(k, head, 'leaf').filter((entry) => entry.mm === mm)
  for (const { run } of runs) {
    const { start, end, pfn, flags } = run
    const exclusive = isExclusive(k, (flags & PTE.pse) !== 0 ? head : pfn)
    if (exclusive && maybeDmaPinned(k, head)) return false
    const read = exclusive ? 'migration_read_exclusive' : 'migration_read'
    const kind = (flags & PTE.rw) !== 0 ? 'migration_write' : read
    k.ptes.in(mm).fill(start, end, { pfn, flags: flags & ~PTE.pse, kind })
    flush_tlb_range(k, mm, start, end)
    if ((flags & DIRTY) !== 0) setFlag(k, head, PG.dirty)
    dropEntries(k, run)
    k.pages.edit(pfn, pfn + run.length, (page) => ({ flags: page.flags & ~PG.anon_exclusive }))
  }
  return true
}

/** The entries counted in the folio: one for a PMD, one for each page otherwise. */
function dropEntries(k: Kernel, run: { pfn: number; length: number; flags: number }): void {
  if ((run.flags & PTE.pse) !== 0) {
    addRmapPmd(k, run.pfn, -1)
    refAdd(k, run.pfn, -1)
    return
  }
  for (let pfn = run.pfn; pfn < run.pfn + run.length; pfn++) {
    folio_remove_rmap_pte(k, pfn)
    refAdd(k, pfn, -1)
  }
}

/** What the tail pages inherit: __split_huge_page_tail(). */
const INHERITED = PG.referenced | PG.uptodate | PG.dirty | PG.lru | PG.swapbacked

interface Caller {
  readonly head: number
  /** The page that the caller wants, and keeps its reference of. */
  readonly pfn: number
  readonly holder: 'tmp' | 'poison'
}

/** __split_huge_page(): 512 pages of order 0, each with a reference until the end of the split. */
function splitFolio(k: Kernel, { head, pfn, holder }: Caller): void {
  const { flags, anon_vma, mapping_flags, index } = k.pages.at(head)
  k.folios.clear(head, head + PMD_PAGES)
  clearFlag(k, head, PG.head)
  k.pages.edit(head, head + PMD_PAGES, (page) => ({
    refcount: 1,
    flags: page.flags | (flags & INHERITED),
    anon_vma,
    mapping_flags,
    index: index + page.start - head,
  }))
  hold(k, head, holder, -1)
  hold(k, pfn, holder)
  holdRun(k, head, pfn, 'tmp', 1)
  holdRun(k, pfn + 1, head + PMD_PAGES, 'tmp', 1)
}

/** remove_migration_ptes() of one process. */
function remapIn(k: Kernel, mm: number, head: number): void {
  for (const { run } of entriesOf(k, head, 'migration').filter((entry) => entry.mm === mm)) {
    const { start, end, pfn, flags, kind, length } = run
    const exclusive = kind !== 'migration_read' && tracksExclusive(k) ? PG.anon_exclusive : 0
    const rw = kind === 'migration_write' ? flags | PTE.rw : flags & ~PTE.rw
    k.ptes.in(mm).fill(start, end, { pfn, flags: rw })
    const isLarge = k.folios.has(head)
    if (isLarge) refAdd(k, head, length)
    k.pages.edit(pfn, pfn + length, (page) => ({
      mapcount: page.mapcount + 1,
      refcount: page.refcount + (isLarge ? 0 : 1),
      flags: page.flags | exclusive,
    }))
    if (isLarge) countAll(k, head, length)
  }
}

/** The split failed: the folio counts its entries again, now one for each page. */
function countAll(k: Kernel, head: number, pages: number): void {
  k.folios.edit(head, head + PMD_PAGES, (folio) => ({
    large_mapcount: folio.large_mapcount + pages,
    nr_pages_mapped: folio.nr_pages_mapped + pages,
  }))
}

/** What the caller and the entries hold, and nobody else. Nothing here puts huge pages into swap. */
const isUnshared = (k: Kernel, head: number): boolean =>
  folioMapcount(k, head) === refcountOf(k, head) - 1

/** split_huge_page() for memory_failure(), which holds `pfn`, and keeps it. */
export const split_huge_page = operation({
  name: 'split_huge_page',
  does: 'Splits a huge page into 512 pages, if nobody but its entries and the caller holds it.',
  source: { file: 'mm/huge_memory.c', fn: 'split_huge_page_to_list_to_order', version: '6.12' },
  leftOut:
    'Huge pages of files and in swap, the deferred split queue, zero-filled pages that are dropped; all entries of one process are one step.',
  params: { pfn: wide(), holder: choice(['tmp', 'poison']) },
  locals: { head: wide(), result: int() },
  entry: 'lock',
  steps: {
    lock: {
      does: 'Lock the huge page. Does anybody else hold it, or DMA? Then it stays whole, and mapped.',
      fn: 'can_split_folio',
      when: untilHeadUnlocked,
      run(k, t) {
        t.head = headOf(k, t.pfn)
        folio_trylock(k, t.head, t.task.id)
        if (isUnshared(k, t.head)) return 'unmap'
        t.result = -EAGAIN
        return 'unlock'
      },
    },
    unmap: {
      does: 'Turn the entries of the next process into 512 migration entries: who touches them waits.',
      fn: 'unmap_folio',
      when: untilNextMm('leaf'),
      run(k, t) {
        const next = entriesOf(k, t.head, 'leaf')[0]
        if (next === undefined) return 'freeze'
        return unmapFrom(k, next.mm, t.head) ? 'unmap' : 'failed'
      },
    },
    freeze: {
      does: 'Freeze the count: is the caller’s reference the only one? Then make 512 pages of it, each with a reference.',
      fn: 'folio_ref_freeze',
      run(k, t) {
        if (refcountOf(k, t.head) !== 1) return 'failed'
        splitFolio(k, t)
        return 'remap'
      },
    },
    failed: {
      does: 'Somebody came in between: it stays one huge page, mapped with small entries.',
      fn: 'remap_page',
      run(_k, t) {
        t.result = -EAGAIN
        return 'remap'
      },
    },
    remap: {
      does: 'Turn the migration entries of the next process back into entries of the pages.',
      fn: 'remap_page',
      when: untilNextMm('migration'),
      run(k, t) {
        const next = entriesOf(k, t.head, 'migration')[0]
        if (next === undefined) return 'unlock'
        remapIn(k, next.mm, t.head)
        return 'remap'
      },
    },
    unlock: {
      does: 'Unlock; after a split, put the reference of every page but the caller’s. What nobody maps is free.',
      fn: '__split_huge_page',
      run(k, t) {
        folio_unlock(k, t.head)
        if (t.result < 0 || hasFlag(k, t.head, PG.head)) return t.done(t.result)
        for (let pfn = t.head; pfn < t.head + PMD_PAGES; pfn++)
          if (pfn !== t.pfn) {
            hold(k, pfn, 'tmp', -1)
            folio_put(k, pfn)
          }
        return t.done()
      },
    },
  },
})
