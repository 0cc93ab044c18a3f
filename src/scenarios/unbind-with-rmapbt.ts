import type { Kernel } from '../linux/kernel'
import { accessOf, bootPmem, dies, entryOf, returnOf, taskOf, unbinds } from './dax-story'
import { loads, stores } from './memory-story'
import { seedFile, seedMapping } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [{ comm: 'reader', pid: 4242 }],
    admins: ['root shell'],
  })
  const inode = seedFile(k, 'root shell', '/mnt/a', 8 << 20)
  seedMapping(k, 'reader', { inode, pages: 2048, pgoff: 0, label: 'A' })
  seedMapping(k, 'reader', { inode, pages: 4, pgoff: 1025, label: 'B' })
  return k
}

const entries = (k: Kernel): string =>
  `the entries of the reader: ${entryOf(k, 'reader', 'A')} and ${entryOf(k, 'reader', 'B')}`

/** Who heard of the removal, and what they did. */
function heard(k: Kernel): string {
  const { removeNotify, filesystem, rmapbt } = k.policy
  if (removeNotify === 'none') return 'Up to 5.19 nobody is told that the device goes'
  if (removeNotify === 'massFailure')
    return 'The series of 2021 reports the pages later, from the kill of the pgmap'
  if (filesystem === 'ext4') return 'ext4 has registered no holder, so nobody is told'
  if (rmapbt === 'off')
    return 'XFS is told, and answers -EOPNOTSUPP: without rmapbt it cannot say who owns a block'
  return removeNotify === 'holder'
    ? 'XFS is told as of a memory failure, finds the file, and looks for processes that asked for early kill: there are none'
    : '“Device is about to be removed!” XFS freezes, walks its reverse map, and for every file unmaps and signals everybody who maps it; then it shuts down'
}

/** What `fsdax-xfsrmap-unbind` recorded; W21 of the DAX sheet. */
export const unbindWithRmapbt: Scenario = {
  name: 'unbind-with-rmapbt',
  title: 'Unbind, and the file system knows who maps it',
  question:
    'The same unbind as in the first scenario, on an XFS that has a reverse map: can the mapping survive its device?',
  preset: 'v6.12',
  policies: ['rmapbt', 'removeNotify', 'filesystem'],
  params: {},
  starts: { rmapbt: 'on' },
  recorded: { file: 'fsdax-xfsrmap-unbind', kernel: '6.12.117' },
  simplified: [
    'The reverse map is a look at the extents of all files; metadata is the head of the device.',
    'The order inside the unbind is from the source; the signals, the lost mappings and the missing struct pages were recorded.',
  ],
  build,
  story: [
    {
      title: 'The reader maps the file twice, and writes.',
      text: (_policies, k) => `A by a PMD, B by a PTE; ${entries(k)}.`,
      acts: [stores('reader', 0x11, 'A'), stores('reader', 0x12, 'B')],
    },
    {
      title: 'Root unbinds: kill_dax() tells the file system.',
      text: (_policies, k) => `${heard(k)}. Now ${entries(k)}.`,
      acts: [{ ...unbinds('root shell'), until: 'put_dax' }],
    },
    {
      title: 'The unbind goes on to its end.',
      text: (_policies, k) =>
        `It returns ${returnOf(k, 'root shell')}; the struct pages are gone. Then ${entries(k)}. ${
          accessOf(k, 'reader').startsWith('gets')
            ? `The reader ${accessOf(k, 'reader')}.`
            : 'The reader has got no signal.'
        }`,
      acts: [{ who: 'root shell' }],
    },
    {
      title: 'The signal is taken.',
      text: 'BUS_MCEERR_AO, “action optional”, of a memory failure that was none. A process without a handler dies of it, which is what the recording shows: no mm, no mapping.',
      acts: [dies('reader')],
    },
    {
      title: 'The reader looks.',
      text: (_policies, k) =>
        accessOf(k, 'reader').startsWith('gets')
          ? `It ${accessOf(k, 'reader')}.`
          : `It ${accessOf(k, 'reader')} through an entry that outlived the struct page: as without the reverse map.`,
      acts: [{ ...loads('reader', 'B'), when: (k) => taskOf(k, 'reader')?.role !== 'zombie' }],
      evidence: 'deduced',
    },
  ],
}
