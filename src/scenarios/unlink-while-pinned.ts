import type { Kernel } from '../linux/kernel'
import {
  BLOCK,
  bootPmem,
  creates,
  firstBlock,
  maps,
  munmaps,
  ownerName,
  pinsArea,
  reasonOf,
  returnOf,
  unlinks,
  unpins,
} from './dax-story'
import { byteAt, counters, stores } from './memory-story'
import { seedFile, seedMapping } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

const MIB = 1 << 20
function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [{ comm: 'reader', pid: 4242 }],
    admins: ['root shell', 'another shell'],
  })
  const inode = seedFile(k, 'root shell', '/mnt/u', 4 * MIB)
  k.inodes.at(inode).i_opens = 1
  seedMapping(k, 'reader', { inode, pages: 1024, pgoff: 0, label: 'A' })
  return k
}

const isDax = (k: Kernel): boolean => k.policy.daxTruncate !== 'noDax'

/** What `fsdax-xfs-unlink` recorded; W12 and W13 of the DAX sheet. */
export const unlinkWhilePinned: Scenario = {
  name: 'unlink-while-pinned',
  title: 'Nobody maps it: a pinned file is unlinked',
  question:
    'A page of a DAX file is under DMA, but the process has unmapped and closed the file. Does unlink wait before it gives the block away?',
  preset: 'v6.12',
  policies: ['daxRefcount'],
  params: {},
  recorded: { file: 'fsdax-xfs-unlink', kernel: '6.12.117' },
  simplified: [
    'Directories and the journal are not there; the eviction of the inode comes with the unlink.',
  ],
  build,
  story: [
    {
      title: 'The file is written, and its first page pinned.',
      text: (_policies, k) =>
        isDax(k)
          ? `Block 0x60400 is mapped by a PMD, and pinned: ${counters(k, BLOCK)}.`
          : 'Without DAX what is pinned is a page of the page cache.',
      acts: [stores('reader', 0x11, 'A'), pinsArea('reader', 'A')],
    },
    {
      title: 'The process unmaps and closes it.',
      text: (_policies, k) =>
        `The inode has no VMA any more and no opener, but a name, so it stays. Block 0x60400: ${counters(k, BLOCK)}.`,
      acts: [
        munmaps('reader', 'A'),
        {
          who: 'reader',
          operation: 'filp_close',
          args: (k) => ({ inode: k.inodes.find(({ name }) => name === '/mnt/u')?.id ?? 0 }),
        },
      ],
      oftenSaid: {
        said: 'dax_layout_busy_page() finds every page of a file that is pinned.',
        but: 'Up to 6.14 it answers “idle” for an inode that has no VMA at all, however many of its pages are pinned. 6.15 mended that.',
      },
    },
    {
      title: 'Root unlinks it.',
      text: (_policies, k) => {
        const reason = reasonOf(k, 'root shell')
        if (reason !== '')
          return `From 6.15 on dax_break_layout_final() comes before the eviction. unlink ${reason}; no signal can end that (state D).`
        return isDax(k)
          ? `unlink returns ${returnOf(k, 'root shell')} at once: an eviction asks nobody. The kernel warns, in dax_disassociate_entry, and frees block 0x60400 (owner: ${ownerName(k, BLOCK)}) with ${counters(k, BLOCK)}.`
          : `unlink returns ${returnOf(k, 'root shell')}: the pinned page is ordinary memory.`
      },
      acts: [unlinks('root shell', '/mnt/u')],
    },
    {
      title: 'A new file is made, mapped and written.',
      text: (_policies, k) => {
        const got = firstBlock(k, '/mnt/n')
        return got === BLOCK && isDax(k)
          ? `/mnt/n got block 0x60400, pinned as it is: ${counters(k, BLOCK)}. What the device writes from now on is in /mnt/n, which holds ${byteAt(k, BLOCK)}.`
          : `/mnt/n got 0x${got?.toString(16)}${got === BLOCK ? ', which no pin depends on' : `: block 0x60400 still belongs to ${ownerName(k, BLOCK)}`}.`
      },
      acts: [
        creates('another shell', '/mnt/n', 16 * MIB),
        maps('reader', '/mnt/n', 'B', 4096),
        stores('reader', 0x77, 'B'),
      ],
    },
    {
      title: 'The pin is dropped.',
      text: (_policies, k) =>
        k.policy.daxRefcount === 'counted' && isDax(k)
          ? `The last put wakes the eviction: the entries go, then the blocks. Block 0x60400: ${counters(k, BLOCK)}; it belongs to ${ownerName(k, BLOCK)}.`
          : `Block 0x60400: ${counters(k, BLOCK)}; it belongs to ${ownerName(k, BLOCK)}. Nobody was told.`,
      acts: [unpins('reader', 'reader'), { who: 'root shell' }],
    },
  ],
}
