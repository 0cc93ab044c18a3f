import { flush_tlb_range } from '../arch/x86/mm/tlb'
import { PTE } from '../arch/x86/pgtable'
import { isReachable } from '../drivers/cxl/fabric'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { copyPage } from './contents'
import { allEntries } from './entries'
import { maybeDmaPinned, tracksExclusive } from './folio'
import { holdRun } from './holders'
import { alloc_batch, free_pages } from './page_alloc'

type PageRun = ReturnType<Kernel['pages']['runs']>[number]

/** Consecutive pages [start, end). */
export interface Stretch {
  readonly start: number
  readonly end: number
}

/**
 * folio_isolate_lru() of what is on a list in a stretch: off it, one reference each. The list of this
 * thread (`gathered`) says which pages those are, and where each of them is.
 */
export function isolateRun(k: Kernel, { start, end }: Stretch, task: number): void {
  for (const run of k.pages.runs(start, end)) {
    if (!isMovable(k, run)) continue
    k.pages.edit(run.start, run.end, ({ flags, refcount }) => ({
      flags: flags & ~PG.lru,
      refcount: refcount + 1,
    }))
    holdRun(k, run.start, run.end, 'iso', 1)
    k.gathered.in(task).fill(run.start, run.end, { pfn: run.start })
  }
}

/** PageLRU(), not locked by somebody else, not part of a large folio, not poisoned. */
export const isMovable = (k: Kernel, { start, flags }: PageRun): boolean =>
  (flags & PG.lru) !== 0 && (flags & (PG.locked | PG.hwpoison)) === 0 && !k.folios.has(start)

/** What a page of a run would count if only entries and caches held it. */
export const expectedRefs = (k: Kernel, { start, flags, mapcount }: PageRun): number =>
  mapcount + 1 + ((flags & PG.swapcache) !== 0 ? 1 : 0) + cachedIn(k, start, start + 1).length

/** Pages of a stretch that this thread has isolated; whoever else migrates some has a list of its own. */
const isolatedRuns = (k: Kernel, { start, end }: Stretch, task: number): PageRun[] =>
  k.gathered
    .in(task)
    .runs(start, end)
    .flatMap((own) => k.pages.runs(own.start, own.end))

/** try_to_migrate() of every entry of a stretch: the entry becomes a migration entry, its reference goes. */
export function unmapRun(k: Kernel, stretch: Stretch, task: number): void {
  for (const page of isolatedRuns(k, stretch, task)) {
    const exclusive = tracksExclusive(k) && (page.flags & PG.anon_exclusive) !== 0
    if (exclusive && maybeDmaPinned(k, page.start)) continue
    let mapped = 0
    for (const { mm, run } of allEntries(k)) {
      const piece = overlap(run, page)
      if (run.kind !== 'leaf' || piece === undefined) continue
      const { vpn, pfn, pages } = piece
      const read = exclusive ? 'migration_read_exclusive' : 'migration_read'
      const kind = (run.flags & PTE.rw) !== 0 ? 'migration_write' : read
      k.ptes.in(mm).fill(vpn, vpn + pages, { pfn, flags: run.flags, kind })
      flush_tlb_range(k, mm, vpn, vpn + pages)
      countEntry(k, pfn, pages, -1)
      mapped += 1
    }
    if (mapped > 0 && exclusive)
      k.pages.edit(page.start, page.end, ({ flags }) => ({ flags: flags & ~PG.anon_exclusive }))
  }
}

function countEntry(k: Kernel, pfn: number, pages: number, by: 1 | -1): void {
  k.pages.edit(pfn, pfn + pages, ({ refcount, mapcount }) => ({
    refcount: refcount + by,
    mapcount: mapcount + by,
  }))
}

/** The part of some entries that maps pages of a stretch. */
function overlap(run: { start: number; pfn: number; length: number }, { start, end }: Stretch) {
  const pfn = Math.max(run.pfn, start)
  const last = Math.min(run.pfn + run.length, end)
  return pfn < last ? { vpn: run.start + pfn - run.pfn, pfn, pages: last - pfn } : undefined
}

/** Entries of page caches that hold pages of a stretch. */
function cachedIn(k: Kernel, start: number, end: number) {
  return k.inodes.rows().flatMap(({ id }) =>
    k.pageCache
      .in(id)
      .runs()
      .flatMap((run) => {
        const piece = overlap(run, { start, end })
        return piece === undefined ? [] : [{ inode: id, ...piece }]
      }),
  )
}

/**
 * __migrate_folio() of what nobody else holds: bytes, mapping and flags move to new pages, as the
 * list of this thread then says. False where there was no memory for all of them.
 */
export function moveRun(k: Kernel, stretch: Stretch, task: number): boolean {
  for (const page of isolatedRuns(k, stretch, task)) {
    const caches = cachedIn(k, page.start, page.start + 1).length
    const isHeld = page.refcount !== 1 + caches || page.mapcount !== -1
    if (isHeld || (page.flags & PG.swapcache) !== 0) continue
    for (let from = page.start; from < page.end; ) {
      const target = alloc_batch(k, page.end - from)
      if (target === undefined) return false
      moveTo(k, page, { from, ...target })
      k.gathered.in(task).fill(from, from + target.pages, { pfn: target.pfn })
      from += target.pages
    }
  }
  return true
}

interface Move {
  readonly from: number
  readonly pfn: number
  readonly pages: number
}

const KEPT = PG.swapbacked | PG.uptodate | PG.dirty | PG.referenced

function moveTo(k: Kernel, page: PageRun, { from, pfn, pages }: Move): void {
  const index = page.index < 0 ? page.index : page.index + from - page.start
  const { mapping, anon_vma, mapping_flags, flags } = page
  k.pages.edit(pfn, pfn + pages, (row) => ({
    mapping,
    anon_vma,
    mapping_flags,
    index: index < 0 ? index : index + row.start - pfn,
    flags: row.flags | (flags & KEPT),
  }))
  copyRun(k, from, pfn, pages)
  for (const { inode, vpn, pfn: old, pages: some } of cachedIn(k, from, from + pages)) {
    k.pageCache.in(inode).fill(vpn, vpn + some, { pfn: pfn + old - from })
    bump(k, pfn + old - from, some, 1)
    bump(k, old, some, -1)
  }
  for (const node of k.stableNodes.rows())
    if (node.kpfn >= from && node.kpfn < from + pages) node.kpfn += pfn - from
}

/** The bytes of consecutive pages; what CXL memory that is gone would give, page by page. */
function copyRun(k: Kernel, from: number, pfn: number, pages: number): void {
  for (const { start, end, value, rest, stored_by } of k.contents.runs(from, from + pages))
    k.contents.fill(pfn + start - from, pfn + end - from, { value, rest, stored_by })
  if (isWhole(k)) return
  for (let i = 0; i < pages; i++) if (!isReachable(k, from + i)) copyPage(k, from + i, pfn + i)
}

/** No card is missing. */
const isWhole = (k: Kernel): boolean =>
  k.cxlRegions.find(({ state }) => state !== 'COMMIT') === undefined &&
  k.cxlMemdevs.find(({ link }) => link === 'down') === undefined

function bump(k: Kernel, pfn: number, pages: number, by: 1 | -1): void {
  k.pages.edit(pfn, pfn + pages, ({ refcount }) => ({ refcount: refcount + by }))
}

/** remove_migration_ptes(): entries of a stretch map the new page, or again the old one. */
export function remapRun(k: Kernel, { start, end }: Stretch, task: number): void {
  for (const { mm, run } of allEntries(k)) {
    if (!run.kind.startsWith('migration')) continue
    const whole = overlap(run, { start, end })
    if (whole === undefined) continue
    for (const { from, to, pages } of wentTo(k, whole.pfn, whole.pages, task)) {
      const vpn = whole.vpn + from - whole.pfn
      const flags = run.kind === 'migration_write' ? run.flags | PTE.rw : run.flags & ~PTE.rw
      k.ptes.in(mm).fill(vpn, vpn + pages, { pfn: to, flags })
      countEntry(k, to, pages, 1)
      if (run.kind !== 'migration_read' && tracksExclusive(k))
        k.pages.edit(to, to + pages, (row) => ({ flags: row.flags | PG.anon_exclusive }))
    }
  }
}

/** Where the isolated pages of a stretch are now: pieces that moved, and pieces that stayed. */
const wentTo = (k: Kernel, pfn: number, pages: number, task: number) =>
  k.gathered
    .in(task)
    .runs(pfn, pfn + pages)
    .map((run) => ({ from: run.start, to: run.pfn, pages: run.length }))

/** migrate_folio_done(), putback_movable_pages(): old pages are free, new and failed ones on a list. Returns how many failed. */
export function finishRun(k: Kernel, { start, end }: Stretch, task: number): number {
  let failed = 0
  for (const { from, to, pages } of wentTo(k, start, end - start, task)) {
    if (from === to) {
      putBack(k, from, pages, 'iso')
      failed += pages
    } else {
      putBack(k, to, pages, 'alloc')
      putRun(k, from, pages)
    }
  }
  k.gathered.in(task).clear(start, end)
  return failed
}

/** The last reference, unless somebody took one speculatively meanwhile: then his put frees the page. */
function putRun(k: Kernel, pfn: number, pages: number): void {
  bump(k, pfn, pages, -1)
  holdRun(k, pfn, pfn + pages, 'iso', -1)
  for (const { start, end, refcount } of k.pages.runs(pfn, pfn + pages))
    if (refcount === 0) free_pages(k, start, end)
}

function putBack(k: Kernel, pfn: number, pages: number, kind: 'alloc' | 'iso'): void {
  k.pages.edit(pfn, pfn + pages, ({ flags, refcount }) => ({
    flags: flags | PG.lru,
    refcount: refcount - 1,
  }))
  holdRun(k, pfn, pfn + pages, kind, -1)
}
