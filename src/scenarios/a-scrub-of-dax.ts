import { PG } from '../linux/include/page-flags'
import type { Kernel } from '../linux/kernel'
import { accessOf, BLOCK, bootPmem, entryOf, hasSignal } from './dax-story'
import { loads, stores } from './memory-story'
import { seedFile, seedMapping } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [
      { comm: 'A', pid: 100 },
      { comm: 'B', pid: 200 },
    ],
    admins: ['scrubber'],
  })
  const inode = seedFile(k, 'scrubber', '/mnt/f', 4096)
  for (const who of ['A', 'B']) {
    seedMapping(k, who, { inode, pages: 1, pgoff: 0, label: who })
    const task = k.tasks.find(({ name }) => name === who)
    if (who === 'A' && setup.params['early'] === 1 && task !== undefined) task.mce_kill = 'early'
  }
  return k
}

const both = (k: Kernel): string => `A ${entryOf(k, 'A', 'A')}, B ${entryOf(k, 'B', 'B')}`
const heard = (k: Kernel, who: string): string =>
  `${who} ${hasSignal(k, who) ? accessOf(k, who) : 'has heard nothing'}`
const isMarked = (k: Kernel): boolean => (k.pages.at(BLOCK).flags & PG.hwpoison) !== 0

/** W27 of the DAX sheet, e and then d. */
export const aScrubOfDax: Scenario = {
  name: 'a-scrub-of-dax',
  title: 'The scrubber finds an error in a DAX file',
  question:
    'Nobody has consumed the error yet, and no process asked to be told early. Does memory_failure() unmap the page?',
  preset: 'v6.12',
  policies: ['rmapbt', 'daxPoison'],
  params: {
    early: { title: 'A asks for early kill', initial: 0, min: 0, max: 1 },
  },
  simplified: [
    'That the platform records a bad block after a machine check is from memory.',
    'Here the memory really is bad: whoever loads from it gets a machine check.',
  ],
  build,
  freeFrom: 'The scrubber finds an error in it.',
  story: [
    {
      title: 'A writes the page, B reads it.',
      text: (_policies, k) => `Entries: ${both(k)}.`,
      acts: [stores('A', 0x11, 'A'), loads('B', 'B')],
    },
    {
      title: 'The scrubber finds an error in it.',
      text: (_policies, k) =>
        `${isMarked(k) ? 'The page is marked (PG_hwpoison)' : 'The page is not marked'}; entries: ${both(k)}. ${heard(k, 'A')}, ${heard(k, 'B')}. ${entryOf(k, 'B', 'B') === 'none' ? 'A victim was found, so the page was unmapped from everybody.' : 'No victim was found, so nothing was unmapped: both can walk into it.'}`,
      acts: [
        {
          who: 'scrubber',
          operation: 'injectPoison',
          args: () => ({ pfn: BLOCK, found: 1, recorded: 0 }),
        },
      ],
    },
    {
      title: 'B reads it.',
      text: (_policies, k) =>
        `A machine check, or a fault: B ${accessOf(k, 'B')}. Entries: ${both(k)}.`,
      acts: [loads('B', 'B')],
    },
    {
      title: 'B reads it again.',
      text: (_policies, k) =>
        `B ${accessOf(k, 'B')}: no bad block is on record, so the fault mapped the poison again, and the load ran into it. Entries: ${both(k)}.`,
      acts: [loads('B', 'B')],
    },
    {
      title: 'The platform records the block as bad, and B reads once more.',
      text: (policies, k) =>
        `B ${accessOf(k, 'B')}: the fault finds the block on record, and maps nothing${policies['daxPoison'] === 'hwpoison' ? '' : '; up to 6.5 it could not tell that memory was lost'}. Entries: ${both(k)}.`,
      evidence: 'memory',
      acts: [
        {
          who: 'scrubber',
          operation: 'injectPoison',
          args: () => ({ pfn: BLOCK, found: 0, recorded: 1 }),
        },
        loads('B', 'B'),
      ],
    },
  ],
}
