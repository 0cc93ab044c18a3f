import type { Holder } from '../../machine'
import type { Kernel } from '../kernel'
import { handleHolds, hardwareHolds } from '../wait-holders'

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
