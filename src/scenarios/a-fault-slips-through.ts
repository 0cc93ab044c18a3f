import type { Kernel } from '../linux/kernel'
import { accessOf, BLOCK, bootPmem, entryOf, reasonOf, unbinds } from './dax-story'
import { loads, stores } from './memory-story'
import { seedFile, seedMapping } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [{ comm: 'A', pid: 4242 }],
    admins: ['remover'],
  })
  const inode = seedFile(k, 'remover', '/mnt/f1', 4096)
  seedMapping(k, 'A', { inode, pages: 1, pgoff: 0, label: 'buf' })
  return k
}

const mapping = (k: Kernel): string => {
  if (!k.pages.has(BLOCK)) return 'no struct page'
  const inode = k.pages.at(BLOCK).mapping
  return inode === 0 ? 'page->mapping NULL' : `page->mapping ${k.inodes.at(inode).name}`
}
const entry = (k: Kernel): string => entryOf(k, 'A', 'buf')

/** W20 of the DAX sheet. */
export const aFaultSlipsThrough: Scenario = {
  name: 'a-fault-slips-through',
  title: 'A fault slips through the mass failure',
  question:
    'A fault has asked the device for its page, and has not said yet whose page it is. The device is removed in between: who unmaps it?',
  preset: 'surprise-remove-2021',
  policies: ['removeNotify', 'rmapbt'],
  params: {},
  evidence: 'deduced',
  simplified: ['This race follows from the source of the series; nobody has reported it.'],
  build,
  story: [
    {
      title: 'A faults: the device gives it the page.',
      text: (_policies, k) =>
        `The entry in i_pages is locked and empty; direct_access() has said 0x60400, and dax_read_lock() was left again, before anything says whose page that is: ${mapping(k)}. Readers inside: ${k.daxDevices.at(1).srcu_readers}.`,
      acts: [{ ...stores('A', 0xf1), until: 'insert_entry' }],
      oftenSaid: {
        said: 'dax_synchronize() waits for faults that are under way.',
        but: 'There is no function of that name. The barrier is synchronize_srcu(&dax_srcu), inside kill_dax(); a fault of a DAX file leaves that section before its entry exists.',
      },
    },
    {
      title: 'The device is removed meanwhile.',
      text: (_policies, k) => {
        const waits = reasonOf(k, 'remover')
        const now = `Now: ${mapping(k)}, entry ${entry(k)}.`
        if (waits.includes('freeze')) return `XFS is told, and freezes: it ${waits}. ${now}`
        return `kill_dax() found nobody to wait for. ${k.policy.removeNotify === 'massFailure' ? 'The loop over all pages comes to 0x60400, cannot tell a file, and passes it over.' : 'Nobody maps the page yet, so nobody is unmapped.'} ${now}`
      },
      acts: [
        { ...unbinds('remover'), until: ['switch_to_atomic', 'wait_writers'] },
        { who: 'remover', until: ['switch_to_atomic'] },
      ],
    },
    {
      title: 'The fault goes on.',
      text: (_policies, k) =>
        `It stores the entry, and maps the page: ${mapping(k)}, entry ${entry(k)}.`,
      acts: [{ who: 'A' }],
    },
    {
      title: 'The struct pages are freed.',
      text: (_policies, k) =>
        entry(k) === 'none'
          ? 'Nothing maps the page any more.'
          : `The entry is ${entry(k)}, and nobody will look for it again. Two cures: to keep dax_read_lock() until the entry is made; or to freeze the file system and wait for locked entries, as 6.8 does for write faults.`,
      acts: [{ who: 'remover' }, { who: 'A' }],
    },
    {
      title: 'A reads.',
      text: (_policies, k) => `It ${accessOf(k, 'A')}.`,
      acts: [loads('A')],
    },
  ],
}
