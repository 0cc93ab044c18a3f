import type { Kernel } from '../kernel'
import { always } from '../operation'

/** S7 of the DAX sheet, §8.1. */
export const leaseCountsUsers = always({
  name: 'leaseCountsUsers',
  claim:
    'dl_count of a lease counts its place on the list, the gup or reap work, and the break work that are to come.',
  sources: [
    {
      file: 'fs/dax.c',
      fn: 'dax_lease_unlock_one',
      version: '4.14',
      note: 'Posted in October 2017, not merged.',
    },
  ],
  broken(k) {
    for (const { id, dl_count, listed, pages, reap_due, break_due } of k.daxLeases.rows()) {
      const reap = pages === 0 || reap_due >= 0 || reaper(k, id) !== undefined
      const users = listed + (reap ? 1 : 0) + (break_due >= 0 ? 1 : 0)
      if (dl_count === users) continue
      const says = `dl_count is ${dl_count}, and ${users} use the lease`
      return { table: 'daxLeases', id, says }
    }
    return undefined
  },
})

const REAPING = 'dax_lease_reap_work.wait_unlock'

const leaseOf = (k: Kernel, task: number): number =>
  Number(k.machine.frames(task)[0]?.locals['lease'] ?? 0)

/** The reap work that is at a lease: its time has come. */
const reaper = (k: Kernel, lease: number) =>
  k.tasks.find(({ id }) => k.machine.stepName(id) === REAPING && leaseOf(k, id) === lease)
