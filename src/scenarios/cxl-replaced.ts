import type { Kernel } from '../linux/kernel'
import { addressOf, bootCxlMachine, isLeaked, regionOf, seedPageAt } from './cxl-machine'
import { areaAt, counters, handleOf, lastRead, mappedBy, pageName } from './memory-story'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootCxlMachine(setup, {
    processes: [{ comm: 'app', pid: 4242 }],
    admins: ['pciehp', 'root shell'],
    devices: ['mlx5_0'],
    region: 'online_kernel',
  })
  seedPageAt(k, 'app', { pfn: 0x480500, value: 0x53 })
  return k
}

/** §6.3 of the DAX sheet, last paragraph, with a registration that outlives the card. */
export const cxlReplaced: Scenario = {
  name: 'cxl-replaced',
  title: 'Another card, the same address',
  question:
    'A CXL card is pulled and another one put in. A device still has a page of the old card registered: whose memory does it read?',
  preset: 'v6.12',
  policies: ['kmemRemove'],
  params: {},
  simplified: [
    'The blocks are online in ZONE_NORMAL, so that a long-term pin stays on the cards.',
    'There is no IOMMU: the device has physical addresses.',
    'What a load gets when no decoder claims an address is from memory.',
  ],
  build,
  story: [
    {
      title: 'The process registers its buffer.',
      text: (_policies, k) => {
        const page = mappedBy(k, 'app')
        return `The long-term pin is taken where the page is, ${pageName(page)}: ${counters(k, page)}. mlx5_0 has its physical address.`
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
      title: 'The card is pulled.',
      text: (_policies, k) =>
        isLeaked(k)
          ? 'pciehp resets the decoders, and kmem cannot remove its memory, which is online: it leaks the claim until reboot.'
          : 'pciehp resets the decoders. kmem fails every page of the range, offlines it and removes it, pinned or not: the struct page that the registration refers to is gone.',
      acts: [
        { who: 'pciehp', operation: 'pullCable', args: () => ({ memdev: 1 }) },
        { who: 'pciehp', operation: 'pciehp_unconfigure_device', args: () => ({ memdev: 1 }) },
        { who: 'root shell', operation: 'delete_region', args: (k) => ({ region: regionOf(k) }) },
      ],
    },
    {
      title: 'Another card is put in, and a region is made.',
      text: (_policies, k) =>
        `The new card holds another tenant’s bytes, 0x7e in the page that would be 0x480500. The region goes to the lowest free gap of the window: ${addressOf(k, regionOf(k))}${isLeaked(k) ? ', above the leaked range' : ', where the old one was'}.`,
      acts: [
        {
          who: 'pciehp',
          operation: 'pciehp_configure_device',
          args: () => ({ memdev: 1, page: 0x280, value: 0x7e }),
        },
        {
          who: 'root shell',
          operation: 'create_region',
          args: () => ({ root: 1, ways: 2, granularity: 4096, size: 0x20000000 }),
        },
        ...[1, 2].map((memdev) => ({
          who: 'root shell',
          operation: 'cxl_region_attach',
          args: (k: Kernel) => ({ region: regionOf(k), memdev, pos: memdev - 1 }),
        })),
        {
          who: 'root shell',
          operation: 'commit_store',
          args: (k) => ({ region: regionOf(k), commit: 1 }),
        },
      ],
    },
    {
      title: 'The device reads through its old registration.',
      text: (_policies, k) =>
        lastRead(k, 'mlx5_0') === '0x7e'
          ? 'mlx5_0 reads 0x7e: memory of another tenant, through a registration of the first. This is what the leak prevents: the price of 512 MiB of addresses buys that no other card appears behind a pointer that survived.'
          : `mlx5_0 reads ${lastRead(k, 'mlx5_0')}: no decoder claims the old addresses, and none will before the next reboot. The leak wastes 512 MiB of addresses, and that is why nobody’s data shows here.`,
      acts: [
        {
          who: 'mlx5_0',
          operation: 'dmaRead',
          args: (k) => ({ handle: handleOf(k, 'app'), page: 0 }),
        },
      ],
    },
    {
      title: 'And the process looks.',
      text: (_policies, k) => {
        const app = k.tasks.find(({ name }) => name === 'app')
        return app?.signal === 'SIGBUS'
          ? `Its entry was turned into a hwpoison entry: SIGBUS, ${app.si_code}. The process learns of it; the device does not.`
          : `Its entry still maps page 0x480500, and nothing is there: it reads ${lastRead(k, 'app')} and is told nothing.`
      },
      acts: [{ who: 'app', operation: 'userLoad', args: (k) => ({ vpn: areaAt(k) }) }],
    },
  ],
}
