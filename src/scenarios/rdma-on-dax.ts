import { dax_mmap, dev_dax_attach } from '../linux/drivers/dax/device'
import type { Kernel } from '../linux/kernel'
import { bootDaxMachine } from './dax-machine'
import { BLOCK, isIdle, ownerName, reasonOf, returnOf, truncates } from './dax-story'
import { areaAt, byteAt, counters, stores } from './memory-story'
import { run, seedFile, seedMapping } from './pmem-machine'
import type { Act, Scenario, Setup } from './scenario'

const NAMESPACE = { name: 'namespace0.0', start: 0x60000, end: 0x68000 }
const DEVICE = { name: 'dax1.0', start: 0x68000, end: 0x68008 }
function build(setup: Setup): Kernel {
  const k = bootDaxMachine(setup, {
    iomem: [
      { name: 'Persistent Memory', start: 0x60000000, end: 0x6fffffff, flags: 0x200, children: [] },
    ],
    namespace: NAMESPACE,
    processes: [{ comm: 'app', pid: 4242 }],
    admins: ['root shell'],
    devices: ['mlx5_0'],
    sizes: { namespaces: 2, resources: 16 },
  })
  const inode = seedFile(k, 'root shell', '/mnt/f1', 4096)
  seedMapping(k, 'app', { inode, pages: 1, pgoff: 0, label: 'file' })
  const device = k.namespaces.make({ ...DEVICE, mode: 'devdax', align: 1 })
  run(k, 'root shell', dev_dax_attach, { device: device.id })
  const node = k.inodes.find(({ name }) => name === '/dev/dax1.0')?.id
  run(k, 'app', dax_mmap, { inode: node, pages: 8, pgoff: 0, label: 'device', private: 0 })
  return k
}

const registers = (label: string): Act => ({
  who: 'app',
  operation: 'ib_umem_get',
  args: (k) => ({ start: areaAt(k, label), pages: 1 }),
})

/** The adapter writes through its registration on demand. */
const odpWrites = (value: number): Act => ({
  who: 'mlx5_0',
  operation: 'odpWrite',
  when: (k) => isIdle(k, 'mlx5_0') && k.umemOdps.find(() => true) !== undefined,
  args: (k) => ({ umem: k.umemOdps.find(() => true)?.id ?? 0, page: 0, value }),
})

const seq = (k: Kernel): number => k.umemOdps.find(() => true)?.seq ?? 0
const hasEntry = (k: Kernel): boolean => k.nicEntries.in(1).runs().length > 0

/** W29 of the DAX sheet. */
export const rdmaOnDax: Scenario = {
  name: 'rdma-on-dax',
  title: 'RDMA on DAX: refused, pinned, or on demand',
  question:
    'An RDMA adapter wants memory of a DAX file, and memory of a DAX device. Which may it pin, and is there a way without a pin?',
  preset: 'v6.12',
  policies: ['daxTruncate', 'filesystem'],
  params: {},
  simplified: [
    'The adapter is a table of its own entries; work requests and completions are not there.',
    'Since when long-term pins of DAX files are refused (4.15) is from memory.',
  ],
  build,
  story: [
    {
      title: 'A page of the file, and one of the device, are written.',
      text: (_policies, k) =>
        `Page 0x60400 of the file: ${counters(k, BLOCK)}. Page 0x68000 of the device: ${counters(k, DEVICE.start)}.`,
      acts: [stores('app', 0xf1, 'file'), stores('app', 0x11, 'device')],
    },
    {
      title: 'The process registers the file.',
      text: (_policies, k) =>
        returnOf(k, 'app') < 0
          ? `Refused: ${returnOf(k, 'app')}, -EOPNOTSUPP. A registration has no end, and truncate would have to wait for it. ${counters(k, BLOCK)}.`
          : 'Granted: without DAX what is pinned is a page of the page cache, which no block depends on.',
      acts: [registers('file')],
    },
    {
      title: 'It registers the device.',
      text: (_policies, k) =>
        returnOf(k, 'app') > 0
          ? `Granted: ${counters(k, DEVICE.start)}. Nobody truncates a device; what happens when it is unbound is another scenario.`
          : `Refused: ${returnOf(k, 'app')}.`,
      acts: [registers('device')],
    },
    {
      title: 'It registers the file on demand (ODP).',
      text: (_policies, k) =>
        k.umemOdps.find(() => true) === undefined
          ? 'This is shown for DAX memory alone.'
          : `No page is pinned: ${counters(k, BLOCK)}. The adapter starts with an empty table, and the kernel will tell it of every unmap (seq ${seq(k)}).`,
      evidence: 'deduced',
      acts: [
        {
          who: 'app',
          operation: 'ib_umem_odp_get',
          when: (k) => k.policy.daxTruncate !== 'noDax',
          args: (k) => ({ start: areaAt(k, 'file'), pages: 1 }),
        },
      ],
    },
    {
      title: 'The adapter writes.',
      text: (_policies, k) =>
        `It has no entry and faults like a CPU: now it has one (${hasEntry(k) ? 'present' : 'none'}), and the block has ${byteAt(k, BLOCK)}. References: ${counters(k, BLOCK)}.`,
      evidence: 'deduced',
      acts: [odpWrites(0xd1)],
    },
    {
      title: 'Root truncates the file.',
      text: (_policies, k) => {
        const waits = reasonOf(k, 'root shell')
        return waits === ''
          ? `truncate returns ${returnOf(k, 'root shell')} without a wait: unmapping the file took the adapter’s entry too (${hasEntry(k) ? 'present' : 'none'}; seq ${seq(k)}), and nothing holds the page. Block 0x60400 belongs to ${ownerName(k, BLOCK)}.`
          : `truncate ${waits}.`
      },
      evidence: 'deduced',
      acts: [truncates('root shell', '/mnt/f1')],
    },
    {
      title: 'The adapter writes once more.',
      text: (_policies, k) =>
        returnOf(k, 'mlx5_0') < 0
          ? `Its fault is behind the end of the file: ${returnOf(k, 'mlx5_0')}, -EFAULT, and the work request ends with an error. The block keeps ${byteAt(k, BLOCK)}.`
          : `It writes: the block has ${byteAt(k, BLOCK)}.`,
      evidence: 'deduced',
      acts: [odpWrites(0xd2)],
    },
  ],
}
