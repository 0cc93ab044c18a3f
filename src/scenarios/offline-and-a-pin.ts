import type { Kernel } from '../linux/kernel'
import { holdRun } from '../linux/mm/holders'
import { bootCxlMachine, seedPageAt } from './cxl-machine'
import { pinsArea, reasonOf, returnOf, unpins } from './dax-story'
import { counters, mappedBy, pageName } from './memory-story'
import type { Scenario, Setup } from './scenario'

const BLOCK = 146
const FIRST = BLOCK * 32_768

function build(setup: Setup): Kernel {
  const isKernel = setup.params['slab'] === 1
  const k = bootCxlMachine(setup, {
    processes: [{ comm: 'app', pid: 4242 }],
    admins: ['root shell', 'another shell'],
    region: isKernel ? 'online_kernel' : 'online_movable',
  })
  seedPageAt(k, 'app', { pfn: FIRST, value: 0x50, label: 'p0' })
  seedPageAt(k, 'app', { pfn: FIRST + 1, value: 0x51, label: 'p1' })
  seedPageAt(k, 'app', { pfn: 0x480500, value: 0x52, label: 'p2' })
  if (isKernel) {
    k.freePages.clear(FIRST + 2, FIRST + 3)
    k.pages.at(FIRST + 2).refcount = 1
    holdRun(k, FIRST + 2, FIRST + 3, 'alloc', 1)
  }
  return k
}

const offline = {
  who: 'root shell',
  operation: 'state_store',
  args: () => ({ block: BLOCK, state: 'offline' }),
} as const
const state = (k: Kernel): string => k.memoryBlocks.at(BLOCK).state.replace('_', '-')
const home = (k: Kernel, label: string): string => pageName(mappedBy(k, 'app', label))

/** W28 of the DAX sheet. */
export const offlineAndAPin: Scenario = {
  name: 'offline-and-a-pin',
  title: 'Offlining memory that somebody holds',
  question:
    'Root offlines a memory block. One of its pages is pinned for a short while: does the offline fail, wait, or take the page away?',
  preset: 'v6.12',
  policies: ['longtermMovable'],
  params: { slab: { title: 'ZONE_NORMAL, with a slab page', initial: 0, min: 0, max: 1 } },
  simplified: [
    'One block of four; what is moved goes to ordinary memory, which has room.',
    'The version since which a long-term pin moves the page first, 5.13, is from memory.',
  ],
  build,
  story: [
    {
      title: 'One page is in use, one is pinned.',
      text: (_policies, k) =>
        `p0 is ${home(k, 'p0')}: ${counters(k, mappedBy(k, 'app', 'p0'))}. p1 is ${home(k, 'p1')}: ${counters(k, mappedBy(k, 'app', 'p1'))}.`,
      acts: [pinsArea('app', 'p1')],
    },
    {
      title: 'Root offlines block 146.',
      text: (_policies, k) => {
        const reason = reasonOf(k, 'root shell')
        return reason === ''
          ? `It returns ${returnOf(k, 'root shell')}, -EBUSY, at once: in ZONE_NORMAL a slab page is unmovable, and has_unmovable_pages() says so before anything is moved. The block is ${state(k)}.`
          : `The block is ${state(k)}, its free pages are isolated. p0 has moved, to ${home(k, 'p0')}. p1 has not: offline_pages() ${reason}. There is no limit to that loop.`
      },
      acts: [offline],
    },
    {
      title: 'A signal comes.',
      text: (_policies, k) =>
        `Only that ends the loop: ${returnOf(k, 'root shell')}, -EINTR. The block is ${state(k)} again, p0 stays where it went.`,
      acts: [
        {
          who: 'another shell',
          operation: 'do_send_sig_info',
          when: (k) => reasonOf(k, 'root shell') !== '',
          args: (k) => ({
            target: k.tasks.find(({ name }) => name === 'root shell')?.id ?? 0,
            signal: 'SIGINT',
          }),
        },
        { who: 'root shell' },
      ],
    },
    {
      title: 'The pin is dropped, and root tries again.',
      text: (_policies, k) =>
        returnOf(k, 'root shell') === 0
          ? `p1 has moved, to ${home(k, 'p1')}; the block is ${state(k)}.`
          : `The slab page is still there: ${returnOf(k, 'root shell')}. Whoever puts kernel memory on a card keeps the card.`,
      acts: [unpins('app', 'app'), offline],
    },
    {
      title: 'A long-term pin comes.',
      text: (_policies, k) =>
        (mappedBy(k, 'app', 'p2') ?? 0) < 0x480000
          ? `p2 was 0x480500, in block 144, and is ${home(k, 'p2')} now: a long-term pin does not stay in memory that was promised to be removable. The page moves first, and the copy is pinned.`
          : `p2 is ${home(k, 'p2')} still, in block 144, pinned where it is: that block cannot be offlined for as long as the registration lives.`,
      evidence: (policies) => (policies['longtermMovable'] === 'migrate' ? 'memory' : undefined),
      acts: [pinsArea('app', 'p2', { longterm: 1 })],
    },
  ],
}
