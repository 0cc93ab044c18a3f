import { nd_pmem_probe } from '../linux/drivers/nvdimm/pmem-probe'
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
  driverWrites,
  hasEntry,
  maps,
  storesTo,
} from './iomem-story'
import { run } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

/** memmap=4G!4G: 4 GiB of persistent memory from 4 GiB on. */
const RANGE = { start: 0x100000000, end: 0x1ffffffff }
const P0 = RANGE.start / 4096
const NAMESPACE = 'namespace0.0'
const [PATTERN, SUPERBLOCK, STRAY] = [0xa1, 0x5b, 0xa2]

function build(setup: Setup): Kernel {
  const flags = IORESOURCE.mem
  const desc = 'PERSISTENT_MEMORY_LEGACY'
  const name = 'Persistent Memory (legacy)'
  const k = bootIomemMachine(setup, {
    iomem: [{ name, ...RANGE, flags, desc, children: [] }],
    nodes: [DEV_MEM],
    users: [
      { comm: 'tool', pid: 4242 },
      { comm: 'monitor', pid: 4243 },
    ],
    admins: ['root shell'],
    namespace: { name: NAMESPACE, start: P0, end: (RANGE.end + 1) / 4096 },
    sizes: { namespaces: 1 },
  })
  for (const who of ['tool', 'monitor']) run(k, who, open_port, { inode: 1 })
  return k
}

const isBound = (k: Kernel): boolean => claimOf(k, NAMESPACE) !== undefined
const entry = (k: Kernel, label: string): string =>
  hasEntry(k, label, P0) ? 'is still there' : 'is gone'

const toolHas = (k: Kernel): string =>
  areaOf(k, 'old') === undefined
    ? 'Nobody maps any of it.'
    : `The tool’s entry for pfn 0x100000 ${entry(k, 'old')}.`

const monitorHas = (k: Kernel): string =>
  areaOf(k, 'between') === undefined
    ? 'Between the two claims the monitor’s mmap() was refused all the same; now the whole namespace is claimed, 100000000-1ffffffff.'
    : `Between the two claims mmap() succeeds once more; then the whole namespace is claimed, 100000000-1ffffffff. The monitor’s entry ${entry(k, 'between')}.`

/** W4, W5 and W10 of the iomem sheet, in one story. */
export const twoMinds: Scenario = {
  name: 'two-minds',
  title: 'Root of two minds: /dev/mem and /dev/pmem0',
  question:
    'A tool of root maps persistent memory through /dev/mem; then the same root binds the pmem driver to it. Who may write?',
  preset: 'v6.12',
  policies: ['iomemClaim', 'ioStrictDevmem', 'iomemParam'],
  params: {},
  simplified: [
    'One store of the driver stands for the file system’s superblock; a byte stands for a page.',
    'The namespace is raw: no info block is found in its first 8 KiB.',
  ],
  build,
  freeFrom: 'The same root binds the pmem driver. It looks at the first 8 KiB.',
  story: [
    {
      title: 'A tool of root maps the first two pages, and tests the memory.',
      text: (_policies, k) =>
        hasEntry(k, 'old', P0)
          ? `The range is named “Persistent Memory (legacy)”: not RAM, and nobody’s. So /dev/mem allows it, pfn 0x100000 is mapped, and the pattern 0xa1 is written. Root may.`
          : `mmap() gives ${answer(k, 'tool')}: the range is refused before any driver has asked for it. That protects it, and the tool is of no use.`,
      acts: [maps('tool', 'old', P0, 2), storesTo('tool', 'old', P0, PATTERN)],
    },
    {
      title: 'The same root binds the pmem driver. It looks at the first 8 KiB.',
      text: (_policies, k) =>
        isBound(k)
          ? `nd_pmem_probe() claims 100000000-100001fff: BUSY. ${toolHas(k)}`
          : 'The claim fails with -EBUSY, because somebody maps the range: “could not reserve region”. There will be no /dev/pmem0 as long as the tool runs.',
      acts: [
        {
          who: 'root shell',
          operation: nd_pmem_probe.name,
          args: () => ({ device: 1 }),
          until: 'read_info',
        },
      ],
    },
    {
      title: 'It gives them back, and for a moment the range is nobody’s. A monitor maps it.',
      text: (_policies, k) =>
        isBound(k)
          ? `No info block was found. ${monitorHas(k)}`
          : `The probe is over, with -EBUSY. The monitor’s mmap(): ${answer(k, 'monitor')}.`,
      acts: [
        { who: 'root shell', until: 'attach' },
        maps('monitor', 'between', P0, 1),
        { who: 'root shell' },
      ],
    },
    {
      title: 'A file system is made on /dev/pmem0.',
      text: (_policies, k) =>
        isBound(k)
          ? `Its superblock is in pfn 0x100000 now: 0x5b.`
          : `There is no /dev/pmem0. Page 0x100000 holds ${byteOf(k, P0)}.`,
      acts: [driverWrites('root shell', NAMESPACE, SUPERBLOCK)],
    },
    {
      title: 'The tool has forgotten, and writes through its old pointer.',
      text: (_policies, k) => {
        if (areaOf(k, 'old') === undefined) return 'It has none: mmap() was refused.'
        const ended = accessEnded(k, 'tool')
        if (ended !== 'goes through')
          return `The store ${ended}. Page 0x100000 holds ${byteOf(k, P0)}: nothing is lost but the tool.`
        return isBound(k)
          ? `The store goes through: page 0x100000 holds ${byteOf(k, P0)}, and the superblock is destroyed. Nobody is told, and no reboot mends it.`
          : `The store goes through, and harms nobody: the range has no driver.`
      },
      acts: [storesTo('tool', 'old', P0, STRAY)],
    },
    {
      title: 'It maps the range again.',
      text: (_policies, k) =>
        answer(k, 'tool') === 'ok'
          ? `mmap() succeeds: nothing refuses it.`
          : `mmap() gives ${answer(k, 'tool')}. The old area stays in /proc/PID/maps, and never heals: even after an unbind it would take munmap() and mmap().`,
      acts: [maps('tool', 'again', P0, 2)],
    },
  ],
}
