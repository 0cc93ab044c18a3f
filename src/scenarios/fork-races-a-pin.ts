import type { Kernel } from '../linux/kernel'
import { bootMemoryMachine } from './memory-machine'
import {
  areaAt,
  counters,
  handleOf,
  isCoherent,
  mappedBy,
  pageName,
  pinnedPage,
  seedBuffer,
  stores,
} from './memory-story'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootMemoryMachine(setup, {
    processes: [{ comm: 'forker', pid: 100, threads: ['pinner'] }],
    devices: ['mlx5_0'],
  })
  seedBuffer(k, 'forker', 0x11)
  return k
}

const pin = (k: Kernel): number => handleOf(k, 'pinner')

/** W7 of the pins sheet. */
export const forkRacesAPin: Scenario = {
  name: 'fork-races-a-pin',
  title: 'gup-fast slips in between fork’s test and its write protection',
  question:
    'fork asks whether a page is pinned, and shares it. What if it is pinned between the question and the write protection?',
  preset: 'v5.9',
  policies: ['writeProtectSeq', 'forkCopy', 'cowReuse'],
  params: {},
  simplified: ['Two threads of one process, one page; every step may be interleaved.'],
  build,
  story: [
    {
      title: 'One thread begins to pin.',
      text: (policies) =>
        policies['writeProtectSeq'] === 'on'
          ? 'MMF_HAS_PINNED is set, and write_protect_seq was read: it was even.'
          : 'MMF_HAS_PINNED is set, so that a fork from now on will ask.',
      acts: [
        {
          who: 'pinner',
          operation: 'pin_user_pages_fast',
          args: (k) => ({ start: areaAt(k), pages: 1, write: 1, longterm: 1 }),
          until: 'read_pte',
        },
      ],
    },
    {
      title: 'Another thread forks, and asks.',
      text: (_policies, k) =>
        `The page is not pinned: ${counters(k, mappedBy(k, 'forker'))}. It is counted as shared; the parent’s entry is still writable.`,
      acts: [
        {
          who: 'forker',
          operation: 'kernel_clone',
          args: () => ({ name: 'child' }),
          until: 'wrprotect',
        },
      ],
    },
    {
      title: 'Now the pin is taken.',
      text: (_policies, k) =>
        `The entry is writable, the reference is taken, and the second look finds the entry unchanged: ${counters(k, mappedBy(k, 'forker'))}.`,
      acts: [{ who: 'pinner', until: 'irqs_on' }],
    },
    {
      title: 'fork goes on.',
      text: (_policies, k) =>
        pinnedPage(k, pin(k)) === undefined
          ? 'Both entries are read-only. The pinner has not returned yet.'
          : `Both entries are read-only, and a page that is being pinned is shared: ${counters(k, mappedBy(k, 'forker'))}. fork’s flush has to wait for the pinner’s CPU.`,
      acts: [{ who: 'forker' }],
    },
    {
      title: 'gup-fast returns.',
      text: (policies, k) =>
        policies['writeProtectSeq'] === 'on'
          ? `write_protect_seq has changed, so everything that was taken is dropped, and the slow way waits for mmap_lock, faults, and pins ${pageName(pinnedPage(k, pin(k)))}.`
          : `It has noticed nothing: ${pageName(pinnedPage(k, pin(k)))} is pinned and shared.`,
      acts: [{ who: 'pinner' }, { who: 'forker' }, { who: 'pinner' }],
    },
    {
      title: 'The process writes.',
      text: (_policies, k) =>
        isCoherent(k, 'forker', pin(k))
          ? `Process and device are on ${pageName(mappedBy(k, 'forker'))}.`
          : `The write copies: the process is on ${pageName(mappedBy(k, 'forker'))}, the device on ${pageName(pinnedPage(k, pin(k)))}. 5.11 closed this with a sequence count.`,
      acts: [stores('pinner', 0x22)],
    },
  ],
}
