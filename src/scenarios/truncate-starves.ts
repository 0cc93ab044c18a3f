import type { Kernel } from '../linux/kernel'
import {
  BLOCK,
  bootPmem,
  ownerName,
  pinsArea,
  pollsLease,
  reasonOf,
  returnOf,
  truncates,
} from './dax-story'
import { areaAt, counters, stores } from './memory-story'
import { seedFile, seedMapping } from './pmem-machine'
import type { Act, Beat, Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [{ comm: 'streamer', pid: 4242 }],
    admins: ['root shell', 'clock', 'kworker'],
  })
  const inode = seedFile(k, 'root shell', '/mnt/a', 8192)
  seedMapping(k, 'streamer', { inode, pages: 2, pgoff: 0, label: 'buf' })
  return k
}

const both = (k: Kernel): string =>
  `0x60400: ${counters(k, BLOCK)}; 0x60401: ${counters(k, BLOCK + 1)}`

/** The pin of one page of the buffer; 0 where there is none. */
const pinOf = (k: Kernel, page: number): number =>
  k.pinHandles.find(({ start, got }) => start === areaAt(k) + page && got > 0)?.id ?? 0

const unpin = (page: number): Act => ({
  who: 'streamer',
  operation: 'unpin_user_pages',
  when: (k) => pinOf(k, page) !== 0,
  args: (k) => ({ handle: pinOf(k, page) }),
})

const waits = (k: Kernel): string => {
  const reason = reasonOf(k, 'root shell')
  return reason === ''
    ? `truncate has returned ${returnOf(k, 'root shell')}: under this rule it does not wait here.`
    : `truncate ${reason}.`
}

/** The next page is pinned before the last one is let go. */
const round = (number: number): Beat => ({
  title: `Round ${number}: the other page is pinned, this one let go.`,
  text: (_policies, k) => `${both(k)}. ${waits(k)}`,
  acts: [
    pinsArea('streamer', 'buf', { page: number % 2 }),
    unpin((number + 1) % 2),
    { who: 'root shell' },
  ],
})

/** W10 of the DAX sheet. */
export const truncateStarves: Scenario = {
  name: 'truncate-starves',
  title: 'A truncate that starves',
  question:
    'A process streams another file into its mapping of this one, page after page. Every pin is short: does truncate ever get through?',
  preset: 'v6.12',
  policies: ['daxTruncate', 'filesystem'],
  params: {},
  simplified: [
    'Two pages, pinned in turns; the I/O between pin and unpin is not there.',
    'IOLOCK, which truncate keeps, stops direct I/O on this file alone: the stream is from another.',
  ],
  build,
  story: [
    {
      title: 'The stream begins with the first page.',
      text: (_policies, k) => `${both(k)}.`,
      acts: [stores('streamer', 0x11), pinsArea('streamer', 'buf')],
    },
    {
      title: 'Root truncates the file.',
      text: (_policies, k) => waits(k),
      acts: [truncates('root shell', '/mnt/a')],
    },
    round(1),
    round(2),
    round(3),
    {
      title: 'The stream stops.',
      text: (_policies, k) => {
        const reason = reasonOf(k, 'root shell')
        if (reason !== '') return `Neither page is held, and truncate still ${reason}.`
        if (k.policy.daxTruncate !== 'wait')
          return `Neither page is held. truncate did not wait for that: it had returned ${returnOf(k, 'root shell')}.`
        return `Every wake-up was legitimate: the page that was waited for had become idle, and the look from the start found the other. Now neither is held, and truncate returns ${returnOf(k, 'root shell')}; block 0x60400 belongs to ${ownerName(k, BLOCK)}. A signal would have ended the wait as well.`
      },
      acts: [unpin(0), unpin(1), ...pollsLease('clock', 'kworker'), { who: 'root shell' }],
    },
  ],
}
