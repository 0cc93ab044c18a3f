import type { Kernel } from '../linux/kernel'
import { accessOf, bootPmem, entryOf, reasonOf, unbinds } from './dax-story'
import { loads, stores } from './memory-story'
import { seedFile, seedMapping } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [
      { comm: 'writer', pid: 4242 },
      { comm: 'reader', pid: 4243 },
    ],
    admins: ['root shell'],
  })
  const inode = seedFile(k, 'root shell', '/mnt/a', 4096)
  for (const who of ['writer', 'reader'])
    seedMapping(k, who, { inode, pages: 1, pgoff: 0, label: who })
  return k
}

const isFrozen = (k: Kernel): boolean =>
  k.superBlocks.find(({ frozen }) => frozen !== 0) !== undefined
const isOver = (k: Kernel): boolean => k.pgmaps.at(1).state === 'exited'

/** W22 of the DAX sheet. */
export const theReadFaultWindow: Scenario = {
  name: 'the-read-fault-window',
  title: 'Frozen for writes: a read fault during the unbind',
  question:
    'From 6.8 on XFS freezes itself while it unmaps everybody. A freeze stops write faults: what does a read fault do?',
  preset: 'v6.12',
  policies: ['removeNotify', 'rmapbt'],
  params: {},
  starts: { rmapbt: 'on' },
  evidence: 'deduced',
  simplified: [
    'This follows from the source. No kernel developer has said that it is a bug, and it was not recorded.',
    'One file of one page, so the window is a few steps wide; a real walk over many files takes longer.',
  ],
  build,
  freeFrom: 'The unbind has dealt with the file.',
  story: [
    {
      title: 'The writer has the page, the reader not yet.',
      text: (_policies, k) =>
        `The entry of the writer: ${entryOf(k, 'writer', 'writer')}; of the reader: ${entryOf(k, 'reader', 'reader')}.`,
      acts: [stores('writer', 0xf1, 'writer')],
    },
    {
      title: 'The unbind has dealt with the file.',
      text: (_policies, k) =>
        isFrozen(k)
          ? `The file system is frozen, the file was unmapped from everybody (the writer: ${entryOf(k, 'writer', 'writer')}), its entry in i_pages deleted. The walk goes on to other files; the dax_device is still alive, the file system not shut down yet.`
          : `No file system is frozen here. The entry of the writer: ${entryOf(k, 'writer', 'writer')}.`,
      acts: [
        { ...unbinds('root shell'), until: ['invalidate', 'put_dax'] },
        {
          who: 'root shell',
          until: ['next_extent', 'put_dax'],
          when: isFrozen,
        },
      ],
    },
    {
      title: 'The reader reads its mapping for the first time.',
      text: (_policies, k) =>
        `It ${accessOf(k, 'reader')}; its entry is ${entryOf(k, 'reader', 'reader')}. ${isFrozen(k) ? 'A read fault takes no freeze protection (sb_start_pagefault is for writes), and the device is alive.' : ''}`.trim(),
      acts: [loads('reader', 'reader')],
    },
    {
      title: 'The writer writes once more.',
      text: (_policies, k) =>
        reasonOf(k, 'writer') === ''
          ? `The writer ${accessOf(k, 'writer').startsWith('gets') ? accessOf(k, 'writer') : 'goes on'}.`
          : `The write fault ${reasonOf(k, 'writer')}.`,
      acts: [stores('writer', 0x22, 'writer')],
    },
    {
      title: 'The unbind ends, and the writer goes on.',
      text: (_policies, k) => {
        const entry = entryOf(k, 'reader', 'reader')
        return `${isOver(k) ? 'The struct pages are gone.' : `The unbind ${reasonOf(k, 'root shell')}.`} The entry of the reader: ${entry}${entry === 'none' ? '' : ', to a page that has no struct page any more'}. The writer ${accessOf(k, 'writer').startsWith('gets') ? `${accessOf(k, 'writer')}: its fault finds the file system shut down` : 'got no signal'}.`
      },
      acts: [{ who: 'root shell' }, { who: 'writer' }],
    },
    {
      title: 'The reader reads again.',
      text: (_policies, k) =>
        accessOf(k, 'reader').startsWith('gets')
          ? `It ${accessOf(k, 'reader')}.`
          : `It ${accessOf(k, 'reader')}: no fault, no signal. Who waits for the walk alone has missed it; a freeze that stopped read faults too would not.`,
      acts: [loads('reader', 'reader')],
    },
  ],
}
