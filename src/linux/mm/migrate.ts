import { int, ref, wide } from '../../arena'
import { at } from '../../machine'
import { flush_tlb_range } from '../arch/x86/mm/tlb'
import { DIRTY, PTE } from '../arch/x86/pgtable'
import { EAGAIN, ENOMEM } from '../include/errno'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { copyPage } from './contents'
import {
  clearFlag,
  hasFlag,
  inSwapCache,
  isExclusive,
  isZoneDevice,
  pageMapcount,
  refAdd,
  refcountOf,
  setFlag,
} from './folio'
import { getAs } from './holders'
import { folio_trylock, folio_unlock, untilFolioUnlocked, untilPtlAndFlush } from './locks'
import { alloc_page } from './page_alloc'
import {
  addRmap,
  anonPlaces,
  folio_remove_rmap_pte,
  folio_try_share_anon_rmap,
  setExclusive,
} from './rmap-anon'
import { folio_add_lru, folio_put, lru_add_drain, putAs } from './swap'

/** Where migration entries of a page are: at its one address, in any process. */
export const migrationPlaces = (k: Kernel, pfn: number, vpn: number) =>
  k.mms.rows().filter(({ id }) => {
    const ptes = k.ptes.in(id)
    if (!ptes.has(vpn)) return false
    const entry = ptes.at(vpn)
    return entry.kind.startsWith('migration') && entry.pfn === pfn
  })

interface Isolated {
  readonly pfn: number
  readonly task: { readonly id: number }
}

/** Rows 5 to 10 of W18 of the pins sheet: an isolated anonymous page moves to memory that stays. */
export const migrate_folio = operation({
  name: 'migrate_folio',
  does: 'Moves the contents of an isolated page to a new one, and every entry with it.',
  source: { file: 'mm/migrate.c', fn: 'migrate_pages', version: '6.12' },
  leftOut: 'File pages, large folios, the ten retries, batching.',
  params: { pfn: wide(), keep: int() },
  locals: { target: wide(), mm: ref('mm_struct'), vpn: wide(), flags: int(), result: int() },
  entry: 'lock',
  steps: {
    lock: {
      does: 'Allocate the target, outside ZONE_MOVABLE and CMA, and lock both pages.',
      fn: 'migrate_folio_unmap',
      when: untilFolioUnlocked,
      run(k, t) {
        const target = alloc_page(k, t.keep === 1 ? 'movable' : 'unmovable')
        if (target === undefined) {
          t.result = -ENOMEM
          return 'give_back'
        }
        folio_trylock(k, t.pfn, t.task.id)
        folio_trylock(k, target, t.task.id)
        t.target = target
        t.vpn = k.pages.at(t.pfn).index
        return 'unmap'
      },
    },
    unmap: {
      does: 'Replace the next entry that maps it by a migration entry: its reference and its rmap go, and the exclusive bit with them.',
      fn: 'try_to_migrate_one',
      when: at(untilPtlAndFlush, (k: Kernel, { pfn, task }: Isolated) => {
        const place = anonPlaces(k, pfn)[0]
        return place && { ...place, task }
      }),
      run(k, t) {
        const place = anonPlaces(k, t.pfn)[0]
        if (place === undefined) return 'move'
        return unmapOne(k, t.pfn, place) ? 'unmap' : 'failed'
      },
    },
    move: {
      does: 'Does anybody but migration hold it? Then it fails. Otherwise copy the bytes, and move mapping and index.',
      fn: '__migrate_folio',
      run(k, t) {
        const expected = folio_expected_ref_count(k, t.pfn)
        if (refcountOf(k, t.pfn) !== expected + 1 || inSwapCache(k, t.pfn)) return 'failed'
        moveMapping(k, t.pfn, t.target)
        copyPage(k, t.pfn, t.target)
        return 'add_lru'
      },
    },
    add_lru: {
      does: 'The new page is to be on an LRU list: it joins this CPU’s batch.',
      fn: 'migrate_folio_move',
      run(k, t) {
        folio_add_lru(k, t.task.id, t.target)
        return 'drain'
      },
    },
    drain: {
      does: 'Drain this CPU’s batch, so that the page does not carry its reference along.',
      fn: 'lru_add_drain',
      run(k, t) {
        lru_add_drain(k, t.task.id)
        return 'remap'
      },
    },
    remap: {
      does: 'Turn the next migration entry into an entry of the new page: reference, rmap, exclusive bit.',
      fn: 'remove_migration_pte',
      run(k, t) {
        const [mm] = migrationPlaces(k, t.pfn, t.vpn)
        if (mm === undefined) return 'unlock'
        remapOne(k, mm.id, t.vpn, t.target)
        return 'remap'
      },
    },
    unlock: {
      does: 'Unlock both; put the new page’s allocation reference, and the old page, which is free now; soft offlining keeps it (MR_MEMORY_FAILURE).',
      fn: 'migrate_folio_done',
      run(k, t) {
        folio_unlock(k, t.target)
        putAs(k, t.target, 'alloc')
        folio_unlock(k, t.pfn)
        if (t.keep === 1) return t.done(t.result)
        putAs(k, t.pfn, 'iso')
        return t.done(t.result)
      },
    },
    failed: {
      does: 'It cannot move: every entry maps the old page again, and the new one is free.',
      fn: 'migrate_folio_undo_src',
      run(k, t) {
        const [mm] = migrationPlaces(k, t.pfn, t.vpn)
        if (mm !== undefined) {
          remapOne(k, mm.id, t.vpn, t.pfn)
          return 'failed'
        }
        t.result = -EAGAIN
        folio_unlock(k, t.target)
        putAs(k, t.target, 'alloc')
        folio_unlock(k, t.pfn)
        return 'give_back'
      },
    },
    give_back: {
      does: 'The old page goes back to the LRU list.',
      fn: 'putback_movable_pages',
      run(k, t) {
        k.pages.at(t.pfn).flags |= PG.lru
        putAs(k, t.pfn, 'iso')
        return t.done(t.result)
      },
    },
  },
})

/** folio_migrate_mapping() and folio_migrate_flags() of an anonymous page. */
export function moveMapping(k: Kernel, from: number, to: number): void {
  const { mapping_flags, anon_vma, index, flags } = k.pages.at(from)
  const page = k.pages.at(to)
  page.mapping_flags = mapping_flags
  page.anon_vma = anon_vma
  page.index = index
  page.flags |= flags & (PG.swapbacked | PG.uptodate | PG.dirty | PG.referenced)
}

/** try_to_migrate_one(); false where the page may be pinned, and the entry stays as it was. */
export function unmapOne(
  k: Kernel,
  pfn: number,
  { mm, vpn }: { mm: number; vpn: number },
): boolean {
  const ptes = k.ptes.in(mm)
  const { flags, kind: old } = ptes.at(vpn)
  const exclusive = isExclusive(k, pfn)
  if (!folio_try_share_anon_rmap(k, pfn)) return false
  const readKind = exclusive ? 'migration_read_exclusive' : 'migration_read'
  const mayWrite = (flags & PTE.rw) !== 0 || old === 'device_private_write'
  const kind = mayWrite ? 'migration_write' : readKind
  ptes.fill(vpn, vpn + 1, { pfn, flags, kind })
  flush_tlb_range(k, mm, vpn, vpn + 1)
  if ((flags & DIRTY) !== 0) setFlag(k, pfn, PG.dirty)
  folio_remove_rmap_pte(k, pfn)
  folio_put(k, pfn)
  return true
}

/** remove_migration_pte(): the entry maps the page, or names it where the CPU cannot address it. */
export function remapOne(k: Kernel, mm: number, vpn: number, pfn: number): void {
  const ptes = k.ptes.in(mm)
  const { kind, flags } = ptes.at(vpn)
  refAdd(k, pfn, 1)
  addRmap(k, pfn)
  if (kind !== 'migration_read') setExclusive(k, pfn)
  const rw = kind === 'migration_write' ? flags | PTE.rw : flags & ~PTE.rw
  if (!isPrivate(k, pfn)) return void ptes.fill(vpn, vpn + 1, { pfn, flags: rw })
  ptes.fill(vpn, vpn + 1, {
    pfn,
    flags: flags & ~(PTE.rw | PTE.accessed | DIRTY),
    kind: kind === 'migration_write' ? 'device_private_write' : 'device_private_read',
  })
}

const isPrivate = (k: Kernel, pfn: number): boolean =>
  isZoneDevice(k, pfn) && k.pgmaps.at(k.pages.at(pfn).pgmap).type === 'PRIVATE'

/** folio_isolate_lru(): off the list, held for migration. False: it is on no list. */
export function folio_isolate_lru(k: Kernel, pfn: number): boolean {
  if (!hasFlag(k, pfn, PG.lru)) return false
  clearFlag(k, pfn, PG.lru)
  getAs(k, pfn, 'iso')
  return true
}

/** What an unpinned page would be expected to count: entries, and the swap cache. */
const folio_expected_ref_count = (k: Kernel, pfn: number): number =>
  pageMapcount(k, pfn) + (inSwapCache(k, pfn) ? 1 : 0)
