import { write_mem } from '../linux/drivers/char/mem-rw'
import { open_port } from '../linux/fs/open-iomem'
import { IORESOURCE } from '../linux/include/ioport'
import type { Kernel } from '../linux/kernel'
import { bootIomemMachine, DEV_MEM } from './iomem-machine'
import {
  accessEnded,
  answer,
  areaOf,
  byteOf,
  claimOf,
  claims,
  driverWrites,
  fileOf,
  hasEntry,
  maps,
  storesTo,
} from './iomem-story'
import { run } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

/** Two cards; there is RAM above them, so that read() and write() of /dev/mem reach them. */
const FIRST = { start: 0xfe000000, end: 0xfe0fffff }
const SECOND = { start: 0xfe100000, end: 0xfe1fffff }
const E = FIRST.start / 4096
const Q0 = SECOND.start / 4096
const [INIT, STRAY] = [0xd0, 0xa2]

function build(setup: Setup): Kernel {
  const bar = (name: string, range: typeof FIRST) => ({
    name,
    ...range,
    flags: IORESOURCE.mem,
    children: [],
  })
  const ram = IORESOURCE.mem | IORESOURCE.sysram | IORESOURCE.busy
  const k = bootIomemMachine(setup, {
    iomem: [
      {
        ...bar('PCI Bus 0000:00', { start: 0xe0000000, end: 0xfebfffff }),
        children: [bar('0000:00:03.0', FIRST), bar('0000:00:04.0', SECOND)],
      },
      { name: 'System RAM', start: 0x100000000, end: 0x13fffffff, flags: ram, children: [] },
    ],
    nodes: [DEV_MEM],
    users: [
      { comm: 'tool', pid: 4242 },
      { comm: 'writer', pid: 4243 },
    ],
    admins: ['modprobe', 'modprobe 2'],
  })
  for (const who of ['tool', 'writer']) run(k, who, open_port, { inode: 1 })
  return k
}

const isClaimed = (k: Kernel): boolean => claimOf(k, 'e1000e') !== undefined

/** W6 and W7 of the iomem sheet. */
export const mmapRacesAClaim: Scenario = {
  name: 'mmap-races-a-claim',
  title: 'mmap() races a claim, and wins',
  question:
    'A driver claims a BAR while a mmap() of it is between its checks and i_mmap. Who takes that mapping away?',
  preset: 'v6.12',
  policies: ['iomemClaim', 'iomemMmap'],
  params: {},
  simplified: [
    'From the source of 6.1 and 6.12: no public report of this race is known.',
    'Check again afterwards, and entries on faults, are ideas: no kernel does either for /dev/mem.',
  ],
  build,
  story: [
    {
      title: 'A tool calls mmap() of /dev/mem; the checks pass.',
      text: (_policies, k) =>
        areaOf(k, 'bar') === undefined
          ? 'Refused: nobody may map this range at all.'
          : 'Page 0xfe000 is not RAM, and nobody has claimed it. The area exists, but no entry does, and it is in no i_mmap.',
      acts: [{ ...maps('tool', 'bar', E, 1), until: 'remap' }],
    },
    {
      title: 'The driver claims the BAR.',
      text: (_policies, k) =>
        isClaimed(k)
          ? 'The range is BUSY. If the claim looks for mappings, it finds none: the area is not linked. The claim has returned; the BAR is the driver’s.'
          : 'The claim fails with -EBUSY: the mmap() under way counts.',
      acts: [claims('modprobe', 'e1000e', FIRST.start, FIRST.end)],
    },
    {
      title: 'mmap() goes on: it writes the entry, and links the area.',
      text: (_policies, k) => {
        if (hasEntry(k, 'bar', E))
          return isClaimed(k)
            ? 'Too late to be seen: the entry is there, the area is linked, and no one will come again. A permanent alias over a claimed range.'
            : 'The entry is there, and nobody has claimed it.'
        return areaOf(k, 'bar') === undefined
          ? `mmap() gives ${answer(k, 'tool')}.`
          : 'The area is linked, and has no entry: the fault will ask again.'
      },
      acts: [{ who: 'tool' }],
    },
    {
      title: 'The driver initialises its card; the tool writes.',
      text: (_policies, k) =>
        areaOf(k, 'bar') === undefined
          ? `The tool has no mapping. Page 0xfe000 holds ${byteOf(k, E)}.`
          : `The store ${accessEnded(k, 'tool')}; page 0xfe000 holds ${byteOf(k, E)}${isClaimed(k) ? ', and the driver has written 0xd0' : ''}.`,
      acts: [driverWrites('modprobe', 'e1000e', INIT), storesTo('tool', 'bar', E, STRAY)],
    },
    {
      title:
        'The same with write(): a page is checked, claimed by the next driver, and then written.',
      text: (_policies, k) =>
        byteOf(k, Q0) === '0x55'
          ? `There is no mapping to revoke. The first page was allowed when it was asked for, and is written now: it holds 0x55. The second is refused, and write() gives ${answer(k, 'writer')}: the 4096 bytes that it did write are not reported.`
          : `write() gives ${answer(k, 'writer')}, and page 0xfe100 holds ${byteOf(k, Q0)}.`,
      acts: [
        {
          who: 'writer',
          operation: write_mem.name,
          args: (k) => ({
            file: fileOf(k, 'writer'),
            pos: SECOND.start,
            length: 8192,
            value: 0x55,
          }),
          until: 'copy',
        },
        claims('modprobe 2', 'nvme', SECOND.start, SECOND.end),
        driverWrites('modprobe 2', 'nvme', INIT),
        { who: 'writer' },
      ],
    },
  ],
}
