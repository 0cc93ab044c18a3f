import { usesLeases } from '../linux/fs/dax-lease'
import type { Kernel } from '../linux/kernel'
import { userStore } from '../linux/mm/user-access'
import { BLOCK, bootPmem, isLeased, ownerName, reasonOf, ticks, truncates } from './dax-story'
import { areaAt, counters, handleOf } from './memory-story'
import { run, seedFile, seedMapping } from './pmem-machine'
import type { Act, Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [{ comm: 'reader', pid: 4242 }],
    admins: ['root shell', 'reap work', 'break work', 'clock'],
  })
  const inode = seedFile(k, 'root shell', '/mnt/a', 4096)
  seedMapping(k, 'reader', { inode, pages: 1, pgoff: 0, label: 'buf' })
  run(k, 'reader', userStore, { vpn: areaAt(k), value: 0xf1 })
  return k
}

const lease = (k: Kernel) => k.daxLeases.find(() => true)

/** `dl_count 3, PAGES and BREAK, on the list`. */
function leaseRow(k: Kernel): string {
  const row = lease(k)
  if (row === undefined) return 'there is no lease'
  const bits = [row.pages === 1 && 'PAGES', row.breaking === 1 && 'BREAK'].filter(Boolean)
  const state = bits.length === 0 ? 'no bit set' : bits.join(' and ')
  return `dl_count ${row.dl_count}, ${state}, ${row.listed === 1 ? 'on' : 'off'} the list of the file`
}

const now = (k: Kernel): string => `t = ${(k.globals.jiffies / 2).toFixed(1)} s`
const NONE =
  'GUP has taken no lease here: it does under the series of 2017 alone, where an entry says that it maps DAX memory, as up to 6.14.'
const takesLease = (k: Kernel): boolean => usesLeases(k) && k.policy.daxRefcount === 'oneBased'
const told = (tell: (k: Kernel) => string) => (_policies: Setup['policies'], k: Kernel) =>
  takesLease(k) ? `${now(k)}: ${leaseRow(k)}. ${tell(k)}` : NONE

const work = (who: string, operation: string, due: 'reap_due' | 'break_due'): Act => ({
  who,
  operation,
  when: (k) => (lease(k)?.[due] ?? -1) >= 0,
  args: (k) => ({ lease: lease(k)?.id ?? 0 }),
})
const breakWork = work('break work', 'dax_lease_break_work', 'break_due')
const tick = ticks('clock', 1)

/** W7 of the DAX sheet. */
export const theLeaseOf2017: Scenario = {
  name: 'the-lease-of-2017',
  title: 'A lease for every pin: the series of October 2017',
  question:
    'Before 4.18, could a file lease make truncate wait for DMA? Who holds it, who breaks it, and how late does truncate hear that the DMA is over?',
  preset: 'v4.14',
  policies: [],
  params: {},
  starts: { daxTruncate: 'lease' },
  simplified: [
    'Time goes in halves of a second; HZ is one second, in which a worker looks once.',
    'The intent is shown: only truncate breaks FL_ALLOCATED. As posted, leases_conflict() would let a write break it as well; that is deduced from the patch.',
  ],
  build,
  story: [
    {
      title: 'GUP takes a lease, then the page.',
      text: told(
        (k) =>
          `Two references: one of the list, one of the reap work, which comes in a second. The page has ${counters(k, BLOCK)}. The fast path is off for DAX: only the slow one can take a lease.`,
      ),
      acts: [
        {
          who: 'reader',
          operation: 'get_user_pages_fast',
          args: (k) => ({ start: areaAt(k), pages: 1, write: 1, longterm: 0, force: 0 }),
        },
      ],
    },
    {
      title: 'Half a second later root truncates.',
      text: told(
        (k) =>
          `The first break takes a third reference, for the break work. truncate drops its locks and ${reasonOf(k, 'root shell')}.`,
      ),
      acts: [tick, truncates('root shell', '/mnt/a')],
    },
    {
      title: 'The reap work wakes, and waits as well.',
      text: told((k) => `A kworker is blocked by it: it ${reasonOf(k, 'reap work')}.`),
      acts: [tick, work('reap work', 'dax_lease_reap_work', 'reap_due')],
    },
    {
      title: 'The break work looks: still busy.',
      text: told(
        (k) =>
          `The page has ${counters(k, BLOCK)}, so it queues itself again for in a second. This is polling.`,
      ),
      acts: [tick, breakWork],
    },
    {
      title: 'The DMA is over.',
      text: told((k) => `The page has ${counters(k, BLOCK)}. Nobody is notified.`),
      acts: [
        tick,
        {
          who: 'reader',
          operation: 'unpin_user_pages',
          args: (k) => ({ handle: handleOf(k, 'reader') }),
        },
      ],
    },
    {
      title: 'The next poll finds it out.',
      text: told(
        () =>
          'F_UNLCK takes the lease off the list, which drops that reference; the work drops its own. The last one is that of the reap work: without the third reference the lease would have been freed under it.',
      ),
      acts: [tick, { ...breakWork, when: isLeased }],
    },
    {
      title: 'truncate and the reap work go on.',
      text: told(
        (k) =>
          `truncate took its locks again, found no lease and freed the block, which belongs to ${ownerName(k, BLOCK)}: half a second after the DMA had ended. What was merged in 4.18 has no lease and no poll: it sleeps on the reference count, and the last put wakes it.`,
      ),
      acts: [{ who: 'root shell' }, { who: 'reap work' }],
    },
  ],
}
