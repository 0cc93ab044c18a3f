import type { Holder } from '../../machine'
import type { Kernel } from '../kernel'
import { handleHolds, hardwareHolds, insiders, pageHolders } from '../wait-holders'

/**
 * Who keeps a lease on its list: who took its pages, and once they are put, only the poll of the break
 * work. A call that waits for the lease of its own pages cannot put them.
 */
export function holdersOfLease(k: Kernel, lease: number): Holder[] {
  const { handle } = k.daxLeases.at(lease)
  if (!k.pinHandles.isLive(handle)) return hardwareHolds('the break work, once a second')
  const holder = handleHolds(k, k.pinHandles.at(handle))
  return [{ ...holder, by: `lease, ${holder.by}`, until: 'call' }]
}

/** The same for every lease that stands on a file. */
export const leaseHolders = (k: Kernel, inode: number): Holder[] =>
  k.daxLeases
    .rows()
    .filter((lease) => lease.inode === inode && lease.listed === 1)
    .flatMap(({ id }) => holdersOfLease(k, id))

/** Who maps a page of a DAX file: from 6.15 on an entry is a reference, and may stay as long as it likes. */
const mappers = (k: Kernel, pfn: number): Holder[] =>
  k.policy.daxRefcount === 'oneBased'
    ? []
    : k.tasks
        .rows()
        .filter(({ mm, role }) => role === 'process' && mm !== 0 && maps(k, mm, pfn))
        .map(({ id }) => ({ task: id, by: 'a page table entry', until: 'owner' }))

const maps = (k: Kernel, mm: number, pfn: number): boolean =>
  k.ptes
    .in(mm)
    .runs()
    .some((run) => run.pfn <= pfn && pfn < run.pfn + run.length)

/** Who takes the memory map of a page away: up to 5.17 its first act was to put every page. */
const removers = (k: Kernel, pfn: number): Holder[] =>
  insiders(
    k,
    ({ operation, locals }) =>
      operation.name === 'memunmap_pages' && locals['pgmap'] === k.pages.at(pfn).pgmap,
  )

/** Everybody who keeps a page of a DAX file from being idle, but `but`, who waits for that. */
export const busyHolders = (k: Kernel, pfn: number, but: number): Holder[] => [
  ...pageHolders(k, pfn, but),
  ...mappers(k, pfn),
  ...removers(k, pfn),
]
