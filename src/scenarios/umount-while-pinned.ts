import type { Kernel } from '../linux/kernel'
import { BLOCK, bootPmem, munmaps, pinsArea, reasonOf, returnOf, unpins } from './dax-story'
import { counters, stores } from './memory-story'
import { seedFile, seedMapping } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [{ comm: 'reader', pid: 4242 }],
    admins: ['root shell'],
  })
  const inode = seedFile(k, 'root shell', '/mnt/m', 4 << 20)
  k.inodes.at(inode).i_opens = 1
  seedMapping(k, 'reader', { inode, pages: 1024, pgoff: 0, label: 'A' })
  return k
}

/** What `fsdax-xfs-umount` recorded. */
export const umountWhilePinned: Scenario = {
  name: 'umount-while-pinned',
  title: 'Unmounted, and a page still pinned',
  question: 'Does umount wait for DMA into a page of the file system?',
  preset: 'v6.12',
  policies: ['daxRefcount'],
  params: {},
  recorded: { file: 'fsdax-xfs-umount', kernel: '6.12.117' },
  simplified: ['Writing back, the journal and directories are not there.'],
  build,
  story: [
    {
      title: 'A page is pinned, and the file unmapped and closed.',
      text: (_policies, k) =>
        `Nothing maps the file system, so nothing keeps it busy. Block 0x60400: ${counters(k, BLOCK)}.`,
      acts: [
        stores('reader', 0x11, 'A'),
        pinsArea('reader', 'A'),
        munmaps('reader', 'A'),
        {
          who: 'reader',
          operation: 'filp_close',
          args: (k) => ({ inode: k.inodes.find(({ name }) => name === '/mnt/m')?.id ?? 0 }),
        },
      ],
    },
    {
      title: 'Root unmounts.',
      text: (_policies, k) => {
        const reason = reasonOf(k, 'root shell')
        if (reason !== '')
          return `From 6.15 on every eviction waits: umount ${reason}. No signal can end that.`
        const warned = k.log.find(({ line }) => line.startsWith('WARNING')) !== undefined
        return `umount returns ${returnOf(k, 'root shell')}. The inode is evicted like any other${warned ? ', with a warning in dax_disassociate_entry' : ''}; block 0x60400 keeps ${counters(k, BLOCK)}. On the device the block is the file’s still; a mkfs would give it to anybody.`
      },
      acts: [
        {
          who: 'root shell',
          operation: 'path_umount',
          args: (k) => ({ superBlock: k.superBlocks.at(1).id, lazy: 0 }),
        },
      ],
    },
    {
      title: 'The pin is dropped.',
      text: (_policies, k) =>
        `Block 0x60400: ${counters(k, BLOCK)}. The struct page outlived the file system: it belongs to the device.`,
      acts: [unpins('reader', 'reader'), { who: 'root shell' }],
    },
  ],
}
