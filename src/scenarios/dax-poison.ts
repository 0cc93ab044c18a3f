import { PG } from '../linux/include/page-flags'
import type { Kernel } from '../linux/kernel'
import { accessOf, bootPmem, entryOf, hasSignal, returnOf } from './dax-story'
import { areaAt, counters, forks, loads, stores } from './memory-story'
import { seedFile, seedMapping } from './pmem-machine'
import type { Act, Scenario, Setup } from './scenario'

/** The second page of the file. */
const PAGE = 0x60401
const POS = 4096

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [{ comm: 'parent', pid: 4242 }],
    admins: ['root shell'],
    sizes: { tasks: 5, mms: 3 },
  })
  const inode = seedFile(k, 'root shell', '/mnt/f', 8 << 20)
  seedMapping(k, 'parent', { inode, pages: 1, pgoff: 1, label: 'buf' })
  return k
}

const mark = (k: Kernel): string =>
  k.pages.has(PAGE) && (k.pages.at(PAGE).flags & PG.hwpoison) !== 0
    ? 'PG_hwpoison is set'
    : 'PG_hwpoison is not set'

const transfer = (operation: 'daxRead' | 'daxWrite', length: number): Act => ({
  who: 'root shell',
  operation,
  args: () => ({ inode: 1, pos: POS, length, value: 0 }),
})

/** What group `dax` of the recording `fsdax-xfs-hwpoison` has. */
export const daxPoisonStory: Scenario = {
  name: 'dax-poison',
  title: 'A page of a DAX file is lost',
  question:
    'The same error in a DAX file, mapped by two processes: who is unmapped, who hears of it, and who may read the page again?',
  preset: 'v6.12',
  policies: [],
  params: {},
  recorded: { file: 'fsdax-xfs-hwpoison', kernel: '6.12.117' },
  simplified: [
    'The error is injected by madvise(MADV_HWPOISON): the memory itself is good, and no bad block was recorded.',
    'That the platform records a bad block after a machine check is from memory.',
  ],
  build,
  freeFrom: 'The parent consumes an error there.',
  story: [
    {
      title: 'Parent and child map the page.',
      text: (_policies, k) =>
        `The parent has written: its entry is ${entryOf(k, 'parent', 'buf')}; the child has read: ${entryOf(k, 'child', 'buf')}. Page 0x60401: ${counters(k, PAGE)}.`,
      acts: [forks('parent', 'child'), stores('parent', 0x11), loads('child')],
    },
    {
      title: 'The parent consumes an error there.',
      text: (_policies, k) =>
        `The parent ${hasSignal(k, 'parent') ? accessOf(k, 'parent') : 'gets nothing'}. Entries: parent ${entryOf(k, 'parent', 'buf')}, child ${entryOf(k, 'child', 'buf')}; the child ${hasSignal(k, 'child') ? accessOf(k, 'child') : 'gets no signal'}. ${mark(k)}.`,
      acts: [{ who: 'parent', operation: 'madviseHwpoison', args: (k) => ({ vpn: areaAt(k) }) }],
      oftenSaid: {
        said: 'memory_failure() puts a hwpoison entry in the place of every entry.',
        but: 'Only for anonymous memory and the page cache. Entries of DAX are zapped: they become none, and the next touch faults like any other.',
      },
    },
    {
      title: 'Both touch it again.',
      text: (_policies, k) =>
        `The parent ${accessOf(k, 'parent')}, the child ${accessOf(k, 'child')}: no bad block is on record, so the fault maps the same page again. ${mark(k)}.`,
      acts: [loads('parent'), loads('child')],
    },
    {
      title: 'read(2) and write(2) of the block.',
      text: (_policies, k) =>
        `The write returns ${returnOf(k, 'root shell')}. A recorded bad block would have been cleared by it; here ${mark(k)} still.`,
      acts: [transfer('daxRead', 16), transfer('daxWrite', 4096)],
    },
    {
      title: 'The parent reads.',
      text: (_policies, k) => `It ${accessOf(k, 'parent')}, what was written. ${mark(k)}.`,
      acts: [loads('parent')],
    },
  ],
}
