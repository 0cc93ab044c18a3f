import { int, ref, wide } from '../../arena'
import { at } from '../../machine'
import { isDevicePrivate, isPresent } from '../arch/x86/pgtable'
import { EAGAIN, EBUSY, EINVAL, ENOMEM } from '../include/errno'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { copyPage } from './contents'
import {
  hasFlag,
  inSwapCache,
  isAnon,
  isLarge,
  isUncounted,
  isZoneDevice,
  refcountOf,
} from './folio'
import { getAs, hold } from './holders'
import { folio_trylock, folio_unlock, untilPtlAndFlush } from './locks'
import { hasExtraCount, isLent } from './memremap-ref'
import { folio_isolate_lru, migrationPlaces, moveMapping, remapOne, unmapOne } from './migrate'
import { isGone } from './oops'
import { alloc_page } from './page_alloc'
import { anonPlaces } from './rmap-anon'
import { folio_add_lru, lru_add_drain_all, putAs } from './swap'

interface Migration {
  readonly mm: number
  readonly vpn: number
  readonly source: number
  readonly target: number
  readonly pgmap: number
  readonly fault: number
}

/** The page of memory that is migrated to which is at an address, or an ordinary anonymous one. */
function pageAt(k: Kernel, { mm, vpn, pgmap }: Migration): number | undefined {
  const ptes = k.ptes.in(mm)
  if (!ptes.has(vpn)) return undefined
  const entry = ptes.at(vpn)
  const { pfn } = entry
  if (!isPresent(entry) && !isDevicePrivate(entry)) return undefined
  if (isUncounted(entry.flags) || !k.pages.has(pfn)) return undefined
  if (!isAnon(k, pfn) || isLarge(k, pfn)) return undefined
  // Only pages of the other side are selected: MIGRATE_VMA_SELECT_SYSTEM, or those of the device.
  return isZoneDevice(k, pfn) === (pgmap === 0) ? pfn : undefined
}

/** Where the page is still mapped, or the address itself before anything is taken. */
const nextPlace = (k: Kernel, { source }: Migration) =>
  source === 0 || !k.pages.has(source) ? undefined : anonPlaces(k, source)[0]

/** References while nobody maps it: whoever migrates it, a fault that waits for it, the device up to 5.17. */
function expectedRefs(k: Kernel, { source, fault }: Migration): number {
  const { pgmap } = k.pages.at(source)
  const extra = pgmap !== 0 && hasExtraCount(k, k.pgmaps.at(pgmap)) ? 1 : 0
  return 1 + extra + (fault === source ? 1 : 0)
}

const isOnlyOurs = (k: Kernel, t: Migration): boolean =>
  refcountOf(k, t.source) === expectedRefs(k, t) && !inSwapCache(k, t.source)

/**
 * migrate_vma_check_page(): up to 5.17 it passes every device-private page, for a thread that waits for
 * its migration entry counts as well; migrate_page_move_mapping() compares the count later.
 */
const isPassed = (k: Kernel, t: Migration): boolean =>
  isOnlyOurs(k, t) ||
  (k.policy.devicePageCount === 'extra' &&
    isZoneDevice(k, t.source) &&
    k.pgmaps.at(k.pages.at(t.source).pgmap).type === 'PRIVATE')

/** From 5.18 to 6.0, and up to 5.1, nothing keeps the struct pages of a device for a migration under way. */
function isLost(k: Kernel, t: Migration & { readonly target: number }, at: string): boolean {
  const caller = t.pgmap === 0 ? 'dmirror_devmem_fault' : 'dmirror_migrate_to_device'
  const pfns = [t.source, t.target].filter((pfn) => pfn !== 0)
  return pfns.some((pfn) => isGone(k, { pfn }, at, caller))
}

/** The reference by which the source is held: of an ordinary page its isolation. */
const holdOf = (k: Kernel, pfn: number) =>
  k.pages.has(pfn) && isZoneDevice(k, pfn) ? 'tmp' : 'iso'

/** folio_putback_lru(), or put_page() of a page of a device. */
function putBack(k: Kernel, cpu: number, pfn: number, kind: 'alloc' | 'tmp' | 'iso'): void {
  if (!k.pages.has(pfn)) return
  folio_unlock(k, pfn)
  if (!isZoneDevice(k, pfn)) folio_add_lru(k, cpu, pfn)
  putAs(k, pfn, kind)
}

/** A page leaves the free list of its driver, with one reference, which is the caller’s. */
function allocDevicePage(k: Kernel, id: number): number | undefined {
  const [free] = k.devmemFree.runs().filter(({ pgmap }) => pgmap === id)
  if (free === undefined) return undefined
  const pfn = free.start
  const pgmap = k.pgmaps.at(id)
  k.devmemFree.clear(pfn, pfn + 1)
  if (isLent(k, pgmap)) pgmap.ref += 1
  k.pages.at(pfn).refcount = hasExtraCount(k, pgmap) ? 2 : 1
  return pfn
}

/** The driver’s page, or with no pgmap an ordinary one; locked, and held by its allocation. */
function allocTarget(k: Kernel, pgmap: number, task: number): number | undefined {
  if (pgmap === 0) {
    const pfn = alloc_page(k)
    if (pfn !== undefined) folio_trylock(k, pfn, task)
    return pfn
  }
  const isBound = k.dmirrors.find((device) => device.pgmap === pgmap)?.state === 'bound'
  const pfn = isBound ? allocDevicePage(k, pgmap) : undefined
  if (pfn === undefined) return undefined
  hold(k, pfn, 'alloc')
  folio_trylock(k, pfn, task)
  return pfn
}

/**
 * The three calls by which a driver migrates one page, to its own memory (`pgmap`) or back (0): the
 * page at an address, or from 6.1 on a page by its pfn (`source`). `fault`: the page that the
 * caller, a CPU fault, holds.
 */
export const migrate_vma = operation({
  name: 'migrate_vma',
  does: 'Migrates one anonymous page to the memory of a device, or back.',
  source: {
    file: 'mm/migrate_device.c',
    fn: 'migrate_vma_setup',
    version: '6.12',
    note: 'migrate_vma_setup(), the driver’s allocation and copy, migrate_vma_pages() and migrate_vma_finalize(); by pfn migrate_device_range().',
  },
  leftOut:
    'Many pages at once, file pages, large folios, addresses where nothing is mapped yet, mmu notifiers, and the page table of the device. Up to 5.17 the put of a page in use by memunmap_pages() takes its count to 1, at which the driver is told that it is free (page_free), although it is not.',
  params: {
    mm: ref('mm_struct'),
    vpn: wide(),
    source: wide(),
    pgmap: ref('dev_pagemap'),
    fault: wide(),
  },
  locals: { target: wide(), result: int() },
  entry: 'collect',
  steps: {
    collect: {
      does: 'Is there a page to migrate? Hold it, and lock it; locked by somebody else, it stays.',
      fn: 'migrate_vma_collect_pmd',
      when: at(untilPtlAndFlush, (_k: Kernel, t: Migration & { task: { id: number } }) =>
        t.mm === 0 ? undefined : t,
      ),
      run(k, t) {
        const pfn = t.source === 0 ? pageAt(k, t) : t.source
        if (pfn === undefined) return t.done(-EINVAL)
        if (refcountOf(k, pfn) === 0 || !folio_trylock(k, pfn, t.task.id)) return t.done(-EBUSY)
        t.source = pfn
        getAs(k, pfn, 'tmp')
        return isZoneDevice(k, pfn) ? 'unmap' : 'isolate'
      },
    },
    isolate: {
      does: 'Take an ordinary page off its LRU list, drained if it waits in a batch; that reference replaces the first.',
      fn: 'migrate_device_unmap',
      run(k, t) {
        if (!hasFlag(k, t.source, PG.lru)) lru_add_drain_all(k)
        if (!folio_isolate_lru(k, t.source)) {
          folio_unlock(k, t.source)
          putAs(k, t.source, 'tmp')
          return t.done(-EBUSY)
        }
        putAs(k, t.source, 'tmp')
        return 'unmap'
      },
    },
    unmap: {
      does: 'Replace the next entry of it by a migration entry, in whichever process. None is left: does anybody else hold it? Up to 5.17 that is not asked of a device-private page.',
      fn: 'try_to_migrate_one',
      source: {
        file: 'mm/migrate_device.c',
        fn: 'migrate_vma_check_page',
        version: '6.12',
        evidence: 'deduced',
        note: 'Up to 5.17 the function is in mm/migrate.c; what it asks there is from memory.',
      },
      when: at(untilPtlAndFlush, (k: Kernel, t: Migration & { task: { id: number } }) => {
        const place = nextPlace(k, t)
        return place && { ...place, task: t.task }
      }),
      run(k, t) {
        if (isLost(k, t, 'try_to_migrate')) return 'restore'
        const place = nextPlace(k, t)
        if (place !== undefined) return unmapOne(k, t.source, place) ? 'unmap' : 'restore'
        return isPassed(k, t) ? 'alloc' : 'restore'
      },
    },
    alloc: {
      does: 'The driver takes a page where it shall go, locked. From 6.1 on a page of a device takes a reference of its pgmap.',
      fn: 'dmirror_devmem_alloc_page',
      source: { file: 'lib/test_hmm.c', fn: 'dmirror_devmem_alloc_page', version: '6.12' },
      run(k, t) {
        const target = allocTarget(k, t.pgmap, t.task.id)
        if (target === undefined) {
          t.result = -ENOMEM
          return 'restore'
        }
        t.target = target
        return 'copy'
      },
    },
    copy: {
      does: 'The device copies the bytes.',
      fn: 'dmirror_migrate_alloc_and_copy',
      source: { file: 'lib/test_hmm.c', fn: 'dmirror_migrate_alloc_and_copy', version: '6.12' },
      run(k, t) {
        copyPage(k, t.source, t.target)
        return 'migrate'
      },
    },
    migrate: {
      does: 'Look once more whether anybody else holds it: -EAGAIN. Up to 5.17 the device’s own reference is expected too, and memunmap_pages() has put it: while the driver goes nothing moves. Then mapping and index move to the new page.',
      fn: 'migrate_vma_pages',
      run(k, t) {
        if (isLost(k, t, 'migrate_vma_pages') || !isOnlyOurs(k, t)) return 'restore'
        moveMapping(k, t.source, t.target)
        return 'remap'
      },
    },
    remap: {
      does: 'Turn the next migration entry into one of the new page: present, or a device-private entry where the CPU cannot address it.',
      fn: 'remove_migration_pte',
      run(k, t) {
        if (isLost(k, t, 'remove_migration_pte')) return 'restore'
        const [mm] = migrationPlaces(k, t.source, k.pages.at(t.target).index)
        if (mm === undefined) return 'finalize'
        remapOne(k, mm.id, k.pages.at(t.target).index, t.target)
        return 'remap'
      },
    },
    finalize: {
      does: 'Unlock both and put them. The old page of a device goes back to its driver with the last put; an old ordinary page is free once the LRU batch is drained.',
      fn: 'migrate_vma_finalize',
      run(k, t) {
        if (isLost(k, t, 'migrate_vma_finalize')) return 'restore'
        putBack(k, t.task.id, t.source, holdOf(k, t.source))
        putBack(k, t.task.id, t.target, 'alloc')
        return t.done()
      },
    },
    restore: {
      does: 'It cannot move: every entry names the old page again, and a new one is free. What lost its struct page stays as it is.',
      fn: 'migrate_vma_finalize',
      run(k, t) {
        const index = k.pages.has(t.source) ? k.pages.at(t.source).index : 0
        const [mm] = k.pages.has(t.source) ? migrationPlaces(k, t.source, index) : []
        if (mm !== undefined) {
          remapOne(k, mm.id, index, t.source)
          return 'restore'
        }
        putBack(k, t.task.id, t.source, holdOf(k, t.source))
        if (k.pages.has(t.target)) {
          folio_unlock(k, t.target)
          putAs(k, t.target, 'alloc')
        }
        return t.done(t.result === 0 ? -EAGAIN : t.result)
      },
    },
  },
})
