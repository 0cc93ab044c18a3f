import { createFile } from '../linux/fs/file'
import type { Kernel } from '../linux/kernel'
import { do_mmap } from '../linux/mm/mmap'
import { lru_add_drain_all } from '../linux/mm/swap'
import { userLoad, userStore } from '../linux/mm/user-access'
import { accessOf, entryOf, hasSignal, pinsArea } from './dax-story'
import { bootMemoryMachine } from './memory-machine'
import { areaAt, counters, loads } from './memory-story'
import { run } from './pmem-machine'
import type { Act, Scenario, Setup } from './scenario'

const FILES = ['dirty', 'clean', 'pinned'] as const
type Name = (typeof FILES)[number]

function build(setup: Setup): Kernel {
  const k = bootMemoryMachine(setup, {
    processes: [
      { comm: 'early', pid: 100 },
      { comm: 'late', pid: 200 },
    ],
    admins: ['scrubber'],
    sizes: { hotplug: 1 },
  })
  const superBlock = k.superBlocks.make({ s_type: 'xfs', s_id: 'sda1' }).id
  for (const name of FILES) {
    const inode = run(k, 'scrubber', createFile, { superBlock, name: `/${name}`, size: 4096 })
    k.diskBlocks.in(inode).fill(0, 1, { value: 0x77 })
    for (const who of ['early', 'late']) {
      run(k, who, do_mmap, { inode, pages: 1, pgoff: 0, label: `${name} ${who}`, private: 0 })
      const vpn = areaAt(k, `${name} ${who}`)
      if (name !== 'clean' && who === 'early') run(k, who, userStore, { vpn, value: 0x11 })
      run(k, who, userLoad, { vpn })
    }
  }
  lru_add_drain_all(k)
  const task = k.tasks.find(({ name }) => name === 'early')
  if (task !== undefined) task.mce_kill = 'early'
  return k
}

const entries = (k: Kernel, name: Name): string =>
  `early ${entryOf(k, 'early', `${name} early`)}, late ${entryOf(k, 'late', `${name} late`)}`
const signal = (k: Kernel, who: string): string =>
  hasSignal(k, who) ? accessOf(k, who) : 'has heard nothing'
const lastLine = (k: Kernel): string =>
  k.log
    .rows()
    .at(-1)
    ?.line.replace(/^.*: 0x\w+: /, '') ?? 'nothing'

/** The scrubber finds the page that a file has in the page cache. */
const scrubs = (name: Name): Act => ({
  who: 'scrubber',
  operation: 'injectPoison',
  args: (k) => {
    const inode = k.inodes.find((each) => each.name === `/${name}`)?.id ?? 0
    return { pfn: k.pageCache.in(inode).at(0).pfn, found: 1, recorded: 0 }
  },
})

const touches = (who: 'early' | 'late', name: Name): Act => loads(who, `${name} ${who}`)

/** W27 of the DAX sheet, a, b and f. */
export const whoHearsOfIt: Scenario = {
  name: 'who-hears-of-it',
  title: 'Lost pages of the page cache: who hears of it?',
  question:
    'The patrol scrubber finds an error that nobody has consumed yet. One process asked for early kill, the other did not: what is left of a dirty, a clean, and a pinned page?',
  preset: 'v6.12',
  policies: [],
  params: {},
  simplified: [
    'The wait for the disk, and writeback, are not there.',
    'A signal stays pending here until the next access: both processes have a handler.',
  ],
  build,
  story: [
    {
      title: 'A dirty page is lost.',
      text: (_policies, k) =>
        `Entries: ${entries(k, 'dirty')}. The page leaves the cache, and fsync() will say -EIO (wb_err ${k.inodes.find(({ name }) => name === '/dirty')?.wb_err}). early ${signal(k, 'early')}, late ${signal(k, 'late')}. The log: “${lastLine(k)}”.`,
      acts: [scrubs('dirty')],
    },
    {
      title: 'late touches it.',
      text: (_policies, k) =>
        `The hwpoison entry is what tells it: late ${accessOf(k, 'late')}, “action required”. Without early kill a process hears of it only here.`,
      acts: [touches('late', 'dirty')],
    },
    {
      title: 'A clean page is lost.',
      text: (_policies, k) =>
        `Entries: ${entries(k, 'clean')}: nothing is lost that the disk does not have, so the entries just go. The log: “${lastLine(k)}”.`,
      acts: [scrubs('clean')],
    },
    {
      title: 'late touches it.',
      text: (_policies, k) =>
        `It ${accessOf(k, 'late')}, read from the disk into another page. No error.`,
      acts: [touches('late', 'clean')],
    },
    {
      title: 'A page that is pinned is lost.',
      text: (_policies, k) => {
        const handle = k.pinHandles.rows().at(-1)?.id ?? 0
        const pfn = handle === 0 ? undefined : k.pinned.in(handle).at(0).pfn
        return `Entries: ${entries(k, 'pinned')}: unmapped all the same. But the pin stays (${counters(k, pfn)}), and so does its DMA: the log says “${lastLine(k)}”.`
      },
      acts: [pinsArea('late', 'pinned late'), scrubs('pinned')],
    },
    {
      title: 'late touches it.',
      text: (_policies, k) => `It ${accessOf(k, 'late')}.`,
      acts: [touches('late', 'pinned')],
    },
  ],
}
