import { open_port, openResource } from '../linux/fs/open-iomem'
import type { Kernel } from '../linux/kernel'
import { bootIomemMachine } from './iomem-machine'
import {
  accessEnded,
  answer,
  areaOf,
  claimOf,
  claims,
  hasEntry,
  loadsFrom,
  maps,
  storesTo,
} from './iomem-story'
import { EDU_BAR, EDU_RESOURCE0, qemuQ35Edu, qemuQ35EduNodes } from './machines/qemu-q35-edu'
import { run } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

const P = EDU_BAR / 4096
const CLAIM = { start: EDU_BAR, end: EDU_BAR + 0x1fff }

function build(setup: Setup): Kernel {
  const k = bootIomemMachine(setup, {
    iomem: qemuQ35Edu,
    nodes: qemuQ35EduNodes,
    users: [{ comm: 'tool', pid: 4242 }],
    admins: ['modprobe'],
  })
  const inodeOf = (path: string) => k.inodes.find(({ name }) => name === path)?.id ?? 0
  run(k, 'tool', openResource, { inode: inodeOf(EDU_RESOURCE0) })
  run(k, 'tool', open_port, { inode: inodeOf('/dev/mem') })
  return k
}

const isClaimed = (k: Kernel): boolean => claimOf(k, 'edu') !== undefined

/** Which of the four pages have an entry: `2 and 3`. */
function present(k: Kernel): string {
  const pages = [0, 1, 2, 3].filter((page) => hasEntry(k, 'A', P + page))
  if (pages.length === 0) return 'No page has'
  return pages.length === 4 ? 'All four pages have' : `Only pages ${pages.join(' and ')} have`
}

const loadEnded = (_policies: Setup['policies'], k: Kernel): string =>
  areaOf(k, 'A') === undefined ? 'There is nothing to read.' : `The load ${accessEnded(k, 'tool')}.`

/** The recording `devmem` as a story, under every design. */
export const halfABar: Scenario = {
  name: 'half-a-bar',
  title: 'A driver claims half of a mapped BAR',
  question:
    'Four pages of a BAR are mapped through resource0, and a driver claims the first two. What does the process still see?',
  preset: 'v6.12',
  policies: ['iomemClaim', 'ioStrictDevmem', 'iomemParam'],
  params: {},
  recorded: { file: 'devmem', kernel: '6.12.117' },
  simplified: ['What the device itself does with a store is not simulated: the byte stays.'],
  build,
  story: [
    {
      title: 'A tool maps four pages of BAR 0.',
      text: (_policies, k) =>
        hasEntry(k, 'A', P)
          ? 'mmap() of resource0 writes all four entries at once: special, without a struct page. The area is VM_PFNMAP, and has no .fault.'
          : `mmap() gives ${answer(k, 'tool')}.`,
      acts: [
        maps('tool', 'A', 0, 4, 'resource'),
        storesTo('tool', 'A', P, 0x11),
        loadsFrom('tool', 'A', P + 2),
      ],
    },
    {
      title: 'A driver claims the first two pages.',
      text: (_policies, k) =>
        isClaimed(k)
          ? `fe900000-fe901fff is BUSY. ${present(k)} an entry.`
          : `request_mem_region() gives NULL: somebody maps the range. ${present(k)} an entry.`,
      acts: [claims('modprobe', 'edu', CLAIM.start, CLAIM.end)],
    },
    {
      title: 'The tool reads page 0.',
      text: loadEnded,
      acts: [loadsFrom('tool', 'A', P)],
    },
    {
      title: 'And page 2, which nobody has claimed.',
      text: loadEnded,
      acts: [loadsFrom('tool', 'A', P + 2)],
    },
    {
      title: 'It maps the other two pages anew, through resource0.',
      text: (_policies, k) =>
        answer(k, 'tool') === 'ok'
          ? 'mmap() succeeds.'
          : `mmap() gives ${answer(k, 'tool')}: of a BAR only the first page is looked at, and that one is claimed.`,
      acts: [maps('tool', 'B', 2, 2, 'resource')],
    },
    {
      title: 'And through /dev/mem.',
      text: (_policies, k) =>
        answer(k, 'tool') === 'ok'
          ? 'mmap() succeeds: /dev/mem asks for each page.'
          : `mmap() gives ${answer(k, 'tool')}.`,
      acts: [maps('tool', 'C', P + 2, 2)],
    },
    {
      title: 'The driver releases its claim, and the tool reads page 0 again.',
      text: (_policies, k) =>
        areaOf(k, 'A') === undefined || hasEntry(k, 'A', P)
          ? loadEnded({}, k)
          : `The load ${accessEnded(k, 'tool')}, still: nothing fills the entry again. munmap() and mmap() would.`,
      acts: [
        {
          who: 'modprobe',
          operation: '__release_region',
          when: isClaimed,
          args: () => CLAIM,
        },
        loadsFrom('tool', 'A', P),
      ],
    },
  ],
}
