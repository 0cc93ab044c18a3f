import { usesLeases } from '../linux/fs/dax-lease'
import type { Kernel } from '../linux/kernel'
import {
  accessOf,
  bootPmem,
  creates,
  entryOf,
  maps,
  munmaps,
  overwrites,
  pinsArea,
  pollsLease,
  punches,
  reasonOf,
  returnOf,
  truncates,
  unpins,
} from './dax-story'
import { counters, handleOf, loads, pageName, pinnedPage, stores } from './memory-story'
import type { Act, Scenario, Setup } from './scenario'

const build = (setup: Setup): Kernel =>
  bootPmem(setup, {
    processes: [{ comm: 'reader', pid: 4242 }],
    admins: ['root shell', 'another shell', 'third shell', 'kworker'],
  })

const MIB = 1 << 20
const held = (k: Kernel): number | undefined => pinnedPage(k, handleOf(k, 'reader'))

/** A file, mapped whole, written, and its first page pinned: how every group of the recording begins. */
const begins = (name: string, label: string): readonly Act[] => [
  creates('third shell', name, 8 * MIB),
  maps('reader', name, label, 2048),
  stores('reader', 0x11, label),
  pinsArea('reader', label),
]

/** From 6.15 on a page is idle at 0, and an entry counts as well. */
const sleepsOn = (k: Kernel): string =>
  `The pin is gone, but the reader has mapped the page again, and from 6.15 on an entry is a reference too: truncate still ${reasonOf(k, 'root shell')}. It will wake when nobody maps the page any more.`

/** The reader gives its mapping up where a truncate still waits for that (6.15+). */
const letsGo = (who: string, label: string): readonly Act[] => [
  { ...munmaps('reader', label), when: (k) => reasonOf(k, who) !== '' },
  { who },
]

/** What a call that takes blocks away came to: it waits, or how it returned. */
function outcome(k: Kernel, who: string): string {
  const reason = reasonOf(k, who)
  if (reason !== '') return `It sleeps, and can be interrupted: it ${reason}`
  return returnOf(k, who) === 0
    ? 'It has returned 0, with the page still held'
    : `It has returned ${returnOf(k, who)}`
}

/** What `fsdax-xfs-hold` recorded: its groups truncate-pin, punch-pin and write-pin. */
export const theMapperComesBack: Scenario = {
  name: 'the-mapper-comes-back',
  title: 'Truncate and punch hole wait; the mapper comes back',
  question:
    'A page of a DAX file is pinned. Truncate and punch hole wait for it: what may the process do meanwhile, and what does it find afterwards?',
  preset: 'v6.12',
  policies: ['daxTruncate', 'filesystem'],
  params: {},
  recorded: { file: 'fsdax-xfs-hold', kernel: '6.12.117' },
  simplified: [
    'The recording began each of the three parts on fresh memory; here they follow each other.',
    'One file system, data in one piece; directories and the journal are not there.',
  ],
  build,
  freeFrom: 'The same with another file, and a punch of 16 KiB.',
  story: [
    {
      title: 'A file is mapped, written and pinned.',
      text: (_policies, k) =>
        `The entry is ${entryOf(k, 'reader', 'A')}; ${pageName(held(k))} has ${counters(k, held(k))}.`,
      acts: begins('/mnt/f', 'A'),
    },
    {
      title: 'Root truncates it.',
      text: (_policies, k) =>
        `${outcome(k, 'root shell')}. The entry of the reader: ${entryOf(k, 'reader', 'A')}.`,
      acts: [truncates('root shell', '/mnt/f')],
    },
    {
      title: 'The reader touches it meanwhile.',
      text: (_policies, k) =>
        k.policy.daxTruncate === 'wait'
          ? `MMAPLOCK was dropped for the sleep, so the fault goes through: the reader ${accessOf(k, 'reader')}, its entry is ${entryOf(k, 'reader', 'A')}. If the lock were kept, who holds the pin could not fault the rest of its buffer, and would never let go.`
          : `The reader ${accessOf(k, 'reader')}.`,
      acts: [loads('reader', 'A')],
    },
    {
      title: 'The pin is dropped.',
      text: (_policies, k) => {
        if (reasonOf(k, 'root shell') !== '') return sleepsOn(k)
        return k.policy.daxTruncate === 'wait'
          ? `The last put wakes truncate. It takes MMAPLOCK, unmaps once more, looks at every page again, and now returns ${returnOf(k, 'root shell')}. The entry of the reader: ${entryOf(k, 'reader', 'A')}.`
          : `${usesLeases(k) ? 'A worker polls once a second, and gives the lease up.' : 'Nobody waits for it.'} truncate has returned ${returnOf(k, 'root shell')}.`
      },
      evidence: (_policies, k) => (reasonOf(k, 'root shell') === '' ? undefined : 'deduced'),
      acts: [
        unpins('reader', 'reader'),
        ...pollsLease('third shell', 'kworker'),
        { who: 'root shell' },
      ],
    },
    {
      title: 'The reader touches it afterwards.',
      text: (_policies, k) => {
        if (accessOf(k, 'reader').startsWith('gets'))
          return `It ${accessOf(k, 'reader')}: the page is behind the end of the file.`
        return k.inodes.at(1).i_size === 0
          ? `It ${accessOf(k, 'reader')}, and unmaps the file. Only now truncate goes on.`
          : `It ${accessOf(k, 'reader')}: the file has its size still.`
      },
      acts: [loads('reader', 'A'), ...letsGo('root shell', 'A')],
    },
    {
      title: 'The same with another file, and a punch of 16 KiB.',
      text: (_policies, k) =>
        `${outcome(k, 'another shell')}. The pinned page has ${counters(k, held(k))}.`,
      acts: [...begins('/mnt/g', 'B'), punches('another shell', '/mnt/g', 4)],
    },
    {
      title: 'The reader touches it meanwhile.',
      text: (_policies, k) => `It ${accessOf(k, 'reader')}.`,
      acts: [loads('reader', 'B')],
    },
    {
      title: 'The pin is dropped, and the reader looks.',
      text: (_policies, k) =>
        `fallocate has returned ${returnOf(k, 'another shell')}. The reader ${accessOf(k, 'reader')}${accessOf(k, 'reader') === 'reads 0x00' ? ': a hole, mapped to the shared zero page. The block is free' : ''}.`,
      acts: [
        unpins('reader', 'reader'),
        ...pollsLease('third shell', 'kworker'),
        { who: 'another shell' },
        loads('reader', 'B'),
        ...letsGo('another shell', 'B'),
      ],
    },
    {
      title: 'write(2) over a pinned file does not wait.',
      text: (_policies, k) =>
        `It has returned ${returnOf(k, 'third shell')}, and changes no block: the reader ${accessOf(k, 'reader')} through the mapping, and the page keeps ${counters(k, held(k))}. Only who gives blocks away must wait.`,
      acts: [
        ...begins('/mnt/h', 'C'),
        overwrites('third shell', '/mnt/h', 0x5a),
        loads('reader', 'C'),
      ],
    },
    {
      title: 'And the pin is dropped at last.',
      text: 'The page is idle: nothing has happened to the file.',
      acts: [unpins('reader', 'reader')],
    },
  ],
}
