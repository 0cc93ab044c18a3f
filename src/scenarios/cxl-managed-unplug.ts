import { targetsOf } from '../linux/drivers/cxl/topology'
import type { Kernel } from '../linux/kernel'
import { addressOf, bootCxlMachine, regionOf, seedPageAt } from './cxl-machine'
import { areaAt, counters, handleOf, lastRead, mappedBy, pageName } from './memory-story'
import type { Scenario, Setup } from './scenario'

const PFN = 0x480500

function build(setup: Setup): Kernel {
  const k = bootCxlMachine(setup, {
    processes: [{ comm: 'app', pid: 4242 }],
    admins: ['root shell', 'pciehp'],
    devices: ['mlx5_0'],
  })
  seedPageAt(k, 'app', { pfn: PFN, value: 0x53 })
  return k
}

/** Where the page of the app is. */
const home = (k: Kernel): string =>
  (mappedBy(k, 'app') ?? 0) >= 0x480000 ? 'on the cards' : 'in ordinary memory'

/** No region has a card: only then does anybody power the slot off. */
const isOut = (k: Kernel): boolean =>
  k.cxlRegions.rows().every(({ id }) => targetsOf(k, id).length === 0)

/** W25 of the DAX sheet, with a registered buffer in the way. */
export const cxlManagedUnplug: Scenario = {
  name: 'cxl-managed-unplug',
  title: 'Taking CXL memory out, by the book',
  question:
    'Two CXL cards are System RAM, and a process has its buffer there. Can root take them out so that nobody loses a byte?',
  preset: 'v6.12',
  policies: ['longtermMovable'],
  params: {},
  simplified: [
    'One window, one host bridge, one switch, two cards of 256 MiB, interleaved at 4 KiB.',
    'The allocator prefers ZONE_MOVABLE, as if the process were bound to the CXL node.',
    'A run of like pages is migrated at once; the kernel does it in batches of 512.',
  ],
  build,
  freeFrom: 'cxl disable-region.',
  story: [
    {
      title: 'The process registers its buffer.',
      text: ({ longtermMovable }, k) => {
        const page = mappedBy(k, 'app')
        return longtermMovable === 'migrate'
          ? `The buffer was page 0x480500, in ZONE_MOVABLE on the cards. A long-term pin may not stay there: the page moved to ordinary memory first. It is ${pageName(page)} now: ${counters(k, page)}.`
          : `Up to 5.12 a long-term pin is taken where the page is: ${pageName(page)}, in ZONE_MOVABLE, ${counters(k, page)}. That memory was promised to be removable.`
      },
      acts: [
        {
          who: 'app',
          operation: 'pin_user_pages_fast',
          args: (k) => ({ start: areaAt(k), pages: 1, write: 1, longterm: 1 }),
        },
      ],
    },
    {
      title: 'cxl disable-region.',
      text: (_policies, k) =>
        k.memoryBlocks.runs().length === 0
          ? 'The tool offlines memory147, 146, 145 and 144: what is in use moves away, then each block leaves its zone. Then it unbinds the region driver, and remove_memory() succeeds: kmem gives its claim back.'
          : `memory147 to 145 are offline. memory144 does not go: offline_pages() tries to move page 0x480500 again and again, for as long as it is pinned, and a registration has no end. Only a signal would stop it.`,
      acts: [
        {
          who: 'root shell',
          operation: 'cxlDisableRegion',
          args: (k) => ({ region: regionOf(k) }),
        },
      ],
    },
    {
      title: 'The process deregisters its buffer.',
      text: (_policies, k) =>
        `The pin is gone; the buffer is ${home(k)}: ${counters(k, mappedBy(k, 'app'))}. No memory block is left, whichever way it went.`,
      acts: [
        {
          who: 'app',
          operation: 'unpin_user_pages',
          args: (k) => ({ handle: handleOf(k, 'app') }),
        },
        { who: 'root shell' },
      ],
    },
    {
      title: 'The region is reset.',
      text: 'A 0 in its file commit: the driver is gone already, so the decoders go, the host bridge first and the cards last. Nothing decodes the range any more, and nothing uses it.',
      acts: [
        {
          who: 'root shell',
          operation: 'commit_store',
          args: (k) => ({ region: regionOf(k), commit: 0 }),
        },
        { who: 'root shell', operation: 'delete_region', args: (k) => ({ region: regionOf(k) }) },
      ],
    },
    {
      title: 'The card is swapped.',
      text: 'Only now does somebody power the slot off and put another card in: generation 2, with somebody else’s bytes, 0x7e among them.',
      acts: [
        {
          who: 'pciehp',
          operation: 'pciehp_unconfigure_device',
          args: () => ({ memdev: 1 }),
          when: isOut,
        },
        {
          who: 'pciehp',
          operation: 'pciehp_configure_device',
          args: () => ({ memdev: 1, page: 0x280, value: 0x7e }),
          when: isOut,
        },
      ],
    },
    {
      title: 'A new region, at the same address.',
      text: (_policies, k) =>
        `The lowest free gap of the window is ${addressOf(k, regionOf(k))} again. No entry of the old card is left, so nobody sees what the new one holds: the process reads ${lastRead(k, 'app')}, from ordinary memory.`,
      acts: [
        {
          who: 'root shell',
          operation: 'create_region',
          args: () => ({ root: 1, ways: 2, granularity: 4096, size: 0x20000000 }),
        },
        { who: 'app', operation: 'userLoad', args: (k) => ({ vpn: areaAt(k) }) },
      ],
    },
  ],
}
