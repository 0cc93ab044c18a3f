import { int, ref } from '../../arena'
import { at, type Wait } from '../../machine'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { hardwareHolds } from '../wait-holders'
import { isBusy as isPageBusy } from './dax-association'
import { holdersOfLease, leaseHolders } from './dax-holders'
import { untilUnlocked } from './inode-locks'

/** Jiffies of a second: time goes in halves here. */
const HZ = 2

/** Option 2 of 2017 as it was posted, in any of its readings: GUP takes leases. */
export const usesLeases = (k: Kernel): boolean =>
  k.policy.daxTruncate === 'lease' || isBrokenByWrites(k)

/** Does a write break the lease too? Meant was that only truncate does. */
export const isBrokenByWrites = (k: Kernel): boolean =>
  k.policy.daxTruncate === 'leaseLayout' || k.policy.daxTruncate === 'leaseLiteral'

/** Waits, as who has broken the leases of a file, until they are gone. */
export const untilUnleased: Wait<Kernel, { readonly inode: number }> = {
  state: 'S',
  ready: (k, { inode }) => leaseOf(k, inode) === undefined,
  reason: (k, { inode }) =>
    `waits for the lease of ${k.inodes.at(inode).name}: dl_count ${leaseOf(k, inode)?.dl_count}, polled once a second`,
  holders: (k, { inode }) => leaseHolders(k, inode),
}

/** The first lease that stands on a file. */
const leaseOf = (k: Kernel, inode: number) =>
  k.daxLeases.find((lease) => lease.inode === inode && lease.listed === 1)

/** The lease is set under MMAPLOCK: none comes up while a truncate that has found no lease is at work. */
export const untilLeasable = at(
  untilUnlocked('MMAPLOCK'),
  (k: Kernel, { file }: { file: number }) =>
    usesLeases(k) && file !== 0 ? { inode: file } : undefined,
)

/** L1 of §3.4 of the DAX sheet: GUP takes a lease before its first page of a DAX file. */
export function takeLease(k: Kernel, inode: number, handle: number): void {
  if (!usesLeases(k)) return
  for (const lease of k.daxLeases.rows()) {
    if (lease.handle !== handle) continue
    if (lease.pages === 0) return
    // A lease of an earlier user of this handle, who has put its pages.
    lease.handle = 0
  }
  k.daxLeases.alloc({ inode: k.inodes.at(inode).id, handle: k.pinHandles.at(handle).id })
}

/** L2: the pages are known; the reap work comes in a second. None: the lease goes, with the break work. */
export function dax_lease_set_pages(k: Kernel, handle: number): void {
  const lease = k.daxLeases.find((each) => each.handle === handle && each.pages === 0)
  if (lease === undefined) return
  lease.pages = 1
  if (k.pinHandles.at(handle).got === 0) {
    giveUp(k, lease.id)
    return
  }
  lease.reap_due = k.globals.jiffies + HZ
}

/** L3, lm_break: the first break takes a reference and queues the break work. True if there is a lease. */
export function breakLeases(k: Kernel, inode: number): boolean {
  for (const lease of k.daxLeases.rows()) {
    if (lease.inode !== inode || lease.listed === 0 || lease.breaking === 1) continue
    lease.breaking = 1
    lease.dl_count += 1
    lease.break_due = k.globals.jiffies + HZ
  }
  return leaseOf(k, inode) !== undefined
}

function put(k: Kernel, lease: number): void {
  const row = k.daxLeases.at(lease)
  row.dl_count -= 1
  if (row.dl_count === 0) k.daxLeases.free(lease)
}

/** No page was taken: F_UNLCK, flush_work() of the break work where it is queued, and the own reference. */
function giveUp(k: Kernel, id: number): void {
  const lease = k.daxLeases.at(id)
  lease.listed = 0
  put(k, id)
  if (lease.breaking === 1) put(k, id)
  put(k, id)
}

/** True if somebody still holds a page of the lease besides the device. */
function isBusy(k: Kernel, handle: number): boolean {
  if (!k.pinHandles.isLive(handle)) return false
  return k.pinned
    .in(handle)
    .runs()
    .some(({ pfn, length }) => k.pages.runs(pfn, pfn + length).some((page) => isPageBusy(k, page)))
}

const isThere = (k: Kernel, lease: number): string | undefined =>
  k.daxLeases.isLive(lease) ? undefined : 'There is no such lease.'

/** L4: polls once a second whether the pages are idle, and then gives the lease up. */
export const dax_lease_break_work = operation({
  name: 'dax_lease_break_work',
  does: 'A worker looks whether the pages of a broken lease are idle.',
  source: {
    file: 'fs/dax.c',
    fn: 'dax_lease_unlock_one',
    version: '4.14',
    note: 'Posted in October 2017, not merged.',
  },
  leftOut: 'The locks of the file, taken for a moment.',
  start: {
    label: 'Run the break work',
    on: ['dax_lease'],
    by: 'admin',
    args: (k, { id }) => ({ lease: k.daxLeases.at(id).id }),
    refuse: (k, { lease }) =>
      isThere(k, lease) ??
      (k.daxLeases.at(lease).break_due < 0 ? 'The break work is not queued.' : undefined),
  },
  params: { lease: ref('dax_lease') },
  entry: 'wait',
  steps: {
    wait: {
      does: 'Its time has come: pages in use, or not known yet: once more in a second. Idle: give the lease up.',
      when: {
        state: 'S',
        ready: (k, t) =>
          !k.daxLeases.isLive(t.lease) || k.globals.jiffies >= k.daxLeases.at(t.lease).break_due,
        reason: (k, t) =>
          `waits for jiffies ${k.daxLeases.at(t.lease).break_due}, now ${k.globals.jiffies}`,
        holders: () => hardwareHolds('the clock'),
      },
      run(k, t) {
        if (!k.daxLeases.isLive(t.lease)) return t.done()
        const lease = k.daxLeases.at(t.lease)
        if (lease.pages === 0 || isBusy(k, lease.handle)) {
          lease.break_due = k.globals.jiffies + HZ
          return t.done(1)
        }
        return 'unlock'
      },
    },
    unlock: {
      does: 'F_UNLCK: off the list, which drops that reference and wakes who breaks it.',
      fn: 'vfs_setlease',
      run(k, t) {
        k.daxLeases.at(t.lease).listed = 0
        put(k, t.lease)
        return 'put_own'
      },
    },
    put_own: {
      does: 'Drop the reference of the break work.',
      fn: 'dax_lease_put',
      run(k, t) {
        k.daxLeases.at(t.lease).break_due = -1
        put(k, t.lease)
        return t.done()
      },
    },
  },
})

/** L5: a second after the pin, a worker breaks the lease itself, and waits for it. */
export const dax_lease_reap_work = operation({
  name: 'dax_lease_reap_work',
  does: 'A worker makes sure that the lease goes once the DMA is over.',
  source: {
    file: 'fs/dax.c',
    fn: 'dax_lease_flush_dma',
    version: '4.14',
    note: 'Posted in October 2017, not merged.',
  },
  leftOut: 'The locks of the file.',
  start: {
    label: 'Run the reap work',
    on: ['dax_lease'],
    by: 'admin',
    args: (k, { id }) => ({ lease: k.daxLeases.at(id).id }),
    refuse: (k, { lease }) =>
      isThere(k, lease) ??
      (k.daxLeases.at(lease).reap_due < 0 ? 'The reap work is not queued.' : undefined),
  },
  params: { lease: ref('dax_lease') },
  entry: 'wait',
  steps: {
    wait: {
      does: 'Its time has come: break the lease, if nobody has.',
      when: {
        state: 'S',
        ready: (k, t) => k.globals.jiffies >= k.daxLeases.at(t.lease).reap_due,
        reason: (k, t) =>
          `waits for jiffies ${k.daxLeases.at(t.lease).reap_due}, now ${k.globals.jiffies}`,
        holders: () => hardwareHolds('the clock'),
      },
      run(k, t) {
        const lease = k.daxLeases.at(t.lease)
        lease.reap_due = -1
        breakLeases(k, lease.inode)
        return 'wait_unlock'
      },
    },
    wait_unlock: {
      does: 'The lease is off the list: put the last reference.',
      fn: 'break_allocated',
      when: {
        state: 'D',
        ready: (k, t) => k.daxLeases.at(t.lease).listed === 0,
        reason: () => 'waits until the lease is given up',
        holders: (k, t) => holdersOfLease(k, t.lease),
      },
      run(k, t) {
        put(k, t.lease)
        return t.done()
      },
    },
  },
})

/** Time passes. */
export const update_wall_time = operation({
  name: 'update_wall_time',
  does: 'Half a second passes.',
  source: { file: 'kernel/time/timekeeping.c', fn: 'update_wall_time', version: '6.12' },
  leftOut: 'Every smaller part of it.',
  start: {
    label: 'Let half a second pass',
    on: ['dax_lease'],
    by: 'admin',
    args: () => ({ ticks: 1 }),
    refuse: (_k, { ticks }) =>
      ticks > 0 && ticks <= 100 ? undefined : 'From 1 to 100 halves of a second.',
  },
  params: { ticks: int() },
  entry: 'tick',
  steps: {
    tick: {
      does: 'jiffies goes on.',
      run(k, t) {
        k.globals.jiffies += t.ticks
        return t.done()
      },
    },
  },
})
