import type { Kernel } from '../kernel'
import { slotCaching } from './labels'

type Run = ReturnType<ReturnType<Kernel['ptes']['in']>['runs']>[number]

/** A run of page table entries, and whose they are. */
export interface Entries {
  readonly mm: number
  readonly run: Run
}

/** All page table entries, by address space. */
export const allEntries = (k: Kernel): Entries[] =>
  k.mms.rows().flatMap(({ id }) =>
    k.ptes
      .in(id)
      .runs()
      .map((run) => ({ mm: id, run })),
  )

/** True while some CPU is inside a page table lock: what it is about to finish is not judged. */
export const isAnyPtlHeld = (k: Kernel): boolean =>
  k.mms.rows().some(({ id }) => k.ptls.in(id).runs().length > 0)

/**
 * The page behind an address: that of a present entry, the swap-cache folio of a swap entry, the
 * source of a migration entry. `none` where there is no entry, `swapped` where the data is on disk only.
 */
export function resolve(k: Kernel, mm: number, vpn: number): number | 'none' | 'swapped' {
  const ptes = k.ptes.in(mm)
  if (!ptes.has(vpn)) return 'none'
  const { kind, pfn } = ptes.at(vpn)
  if (kind !== 'swap') return pfn
  const slot = k.swapMap.at(pfn)
  return slot.has_cache === 1 ? slot.pfn : 'swapped'
}

/** Swap entries in page tables that name a slot. */
export const swapEntriesOf = (k: Kernel, offset: number): number =>
  allEntries(k).filter(
    ({ run }) => run.kind === 'swap' && run.pfn <= offset && offset < run.pfn + run.length,
  ).length

/** Swap entries that stand for a page in the swap cache. */
export const swapEntriesOfPage = (k: Kernel, pfn: number): number => slotCaching(k, pfn)?.count ?? 0
