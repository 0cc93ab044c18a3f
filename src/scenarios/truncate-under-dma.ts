import { usesLeases } from '../linux/fs/dax-lease'
import type { Kernel } from '../linux/kernel'
import {
  BLOCK,
  bootPmem,
  creates,
  entryOf,
  firstBlock,
  isIdle,
  overwrites,
  ownerName,
  pollsLease,
  reasonOf,
  returnOf,
  truncates,
} from './dax-story'
import { areaAt, byteAt, counters, handleOf, pageName, pinnedPage, stores } from './memory-story'
import { seedFile, seedMapping } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [{ comm: 'reader', pid: 4242 }],
    admins: ['root shell', 'another shell', 'kworker'],
    devices: ['nvme0'],
  })
  const inode = seedFile(k, 'root shell', '/mnt/a', 4096)
  seedMapping(k, 'reader', { inode, pages: 1, pgoff: 0, label: 'buf' })
  return k
}

const target = (k: Kernel): number => pinnedPage(k, handleOf(k, 'reader')) ?? BLOCK
const isBlock = (k: Kernel): boolean => k.policy.daxTruncate !== 'noDax'

/** How far the truncate came, in the words of the option that is chosen. */
function truncated(k: Kernel): string {
  const { daxTruncate } = k.policy
  const waits = reasonOf(k, 'root shell')
  switch (daxTruncate) {
    case 'ignore':
      return `Up to 4.17 nobody asks. Size, entry and extent go; the kernel only warns (WARN in dax_disassociate_entry). Block 0x60400 belongs to ${ownerName(k, BLOCK)} now, and the disk still has its address.`
    case 'fail':
      return `Option 1: the scan finds the page in use, and truncate returns ${returnOf(k, 'root shell')}, -EBUSY. The file stays as it is. No program expects this errno from truncate, unlink or fallocate.`
    case 'wait':
      return `The file is unmapped, the page found busy. truncate keeps the inode lock, drops the lock against faults, and sleeps: it ${waits}.`
    case 'lease':
    case 'leaseLayout':
    case 'leaseLiteral':
      return waits === ''
        ? `GUP took no lease: from 6.15 on an entry does not say that it maps DAX memory, and the series of 2017 looks at that. Block 0x60400 belongs to ${ownerName(k, BLOCK)}.`
        : `GUP has taken a lease of the file. truncate breaks it, drops its locks, and ${waits}.`
    case 'remap':
      return `Option 3: the block changes its owner to ${ownerName(k, BLOCK)}, in one transaction. truncate returns at once.`
    case 'noDax':
      return `Option 4: the page is ordinary memory, ${pageName(target(k))}. It leaves the page cache; the disk block is free at once, and does not care about the DMA.`
    default:
      return daxTruncate satisfies never
  }
}

/** W1 to W6 of the DAX sheet. */
export const truncateUnderDma: Scenario = {
  name: 'truncate-under-dma',
  title: 'Truncate under DMA: whose block is it now?',
  question:
    'A disk writes into a mapped DAX file when somebody truncates it. For DAX the page is the block: may another file get it?',
  preset: 'v4.14',
  policies: ['daxTruncate', 'filesystem', 'directIo'],
  params: {},
  simplified: [
    'One file of one page. The read is one sector; one byte stands for it.',
    'Options 1, 3 and 4 of 2017 are designs, not code: what the errno of option 1 would be was never said, -EBUSY is ours.',
    'The log and the list of busy extents of XFS are not there.',
  ],
  build,
  story: [
    {
      title: 'The reader writes its mapping.',
      text: (_policies, k) =>
        isBlock(k)
          ? `The page of the file is block 0x60400 itself: ${counters(k, BLOCK)}. Its entry is ${entryOf(k, 'reader', 'buf')}.`
          : `Without DAX the file has a page in the page cache, ${pageName(k.ptes.in(1).has(areaAt(k)) ? k.ptes.in(1).at(areaAt(k)).pfn : undefined)}: memory is not the block.`,
      acts: [stores('reader', 0xf1)],
    },
    {
      title: 'It reads from another disk into the mapping.',
      text: (policies, k) =>
        `O_DIRECT: nvme0 gets the address of ${pageName(target(k))}. The page is held by ${policies['directIo'] === 'pin' ? 'FOLL_PIN' : 'FOLL_GET, as up to 6.4'}: ${counters(k, target(k))}. The reader sleeps until the data is there.`,
      acts: [
        {
          who: 'reader',
          operation: 'directRead',
          args: (k) => ({ vpn: areaAt(k), value: 0xd1 }),
        },
      ],
    },
    {
      title: 'Root truncates the file.',
      text: (_policies, k) => truncated(k),
      acts: [truncates('root shell', '/mnt/a')],
      oftenSaid: {
        said: 'The wait of truncate for DMA came with 4.17.',
        but: '4.17 only began to track page->mapping, and to warn. The wait was merged in 4.18 for XFS, and (from memory) in 4.19 for ext4: it had been taken out of the pull for 4.17 because truncate became slow.',
      },
    },
    {
      title: 'Another file is made, and written.',
      text: (_policies, k) => {
        const got = firstBlock(k, '/mnt/b')
        return got === BLOCK
          ? `The first free block is 0x60400: /mnt/b has it, and 0xf2 is in it${isBlock(k) ? ', while the disk still has its address' : ''}.`
          : `Block 0x60400 is not free: it belongs to ${ownerName(k, BLOCK)}. /mnt/b gets 0x${got?.toString(16)}, and 0xf2 is written there.`
      },
      acts: [creates('another shell', '/mnt/b', 4096), overwrites('another shell', '/mnt/b', 0xf2)],
    },
    {
      title: 'The data arrives.',
      text: (_policies, k) => {
        const hit = byteAt(k, BLOCK)
        const owner = ownerName(k, BLOCK)
        if (!isBlock(k))
          return `0xd1 lands in a page that nobody can reach any more, and goes with it. Block 0x60400 has ${hit}, as ${owner} wrote it.`
        if (owner === '/mnt/b' && firstBlock(k, '/mnt/b') === BLOCK)
          return `0xd1 lands in block 0x60400, which belongs to /mnt/b: it has ${hit} where it wrote 0xf2. Nobody gets an error: silent corruption.`
        return `0xd1 lands in block 0x60400, which belongs to ${owner}: ${hit}. /mnt/b has ${byteAt(k, firstBlock(k, '/mnt/b'))}, what it wrote.`
      },
      acts: [
        {
          who: 'nvme0',
          operation: 'bio_endio',
          args: (k) => ({ handle: handleOf(k, 'reader'), value: 0xd1 }),
          until: 'complete',
        },
      ],
    },
    {
      title: 'The disk lets go.',
      text: (_policies, k) => {
        const { daxTruncate } = k.policy
        if (daxTruncate === 'fail')
          return `The page is idle, so the second truncate returns ${returnOf(k, 'root shell')}. The program had to know that it must try again.`
        if (daxTruncate === 'wait')
          return `The last put woke truncate. It unmapped and looked once more, found nothing busy, and freed the block: it belongs to ${ownerName(k, BLOCK)}.`
        if (usesLeases(k) && k.policy.daxRefcount === 'oneBased')
          return `Nobody was told that the DMA ended: a worker polls once a second. At the next poll it gave the lease up, and truncate went on: the block belongs to ${ownerName(k, BLOCK)}.`
        if (daxTruncate === 'remap')
          return `With the last put the block that was set aside became free: it belongs to ${ownerName(k, BLOCK)}. A crash before that leaves it to an administrator, or to the next mount.`
        return isBlock(k)
          ? 'What is left is a file with bytes of another’s read. It takes a wait, or a page that is not the block, to prevent it.'
          : 'What is left is two files as their owners want them, at the price of DAX.'
      },
      acts: [
        { who: 'nvme0' },
        { who: 'reader' },
        ...pollsLease('another shell', 'kworker'),
        { who: 'root shell' },
        {
          ...truncates('root shell', '/mnt/a'),
          when: (k) => k.policy.daxTruncate === 'fail' && isIdle(k, 'root shell'),
        },
      ],
    },
  ],
}
