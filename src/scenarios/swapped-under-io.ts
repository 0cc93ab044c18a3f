import type { Kernel } from '../linux/kernel'
import { bootMemoryMachine } from './memory-machine'
import {
  areaAt,
  counters,
  dmaWrites,
  handleOf,
  isCoherent,
  lastRead,
  loads,
  mappedBy,
  pageName,
  pinnedPage,
  ruleOf,
  seedBuffer,
  stores,
} from './memory-story'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootMemoryMachine(setup, {
    processes: [{ comm: 'app', pid: 100 }],
    admins: ['kswapd0'],
    devices: ['dma0'],
  })
  seedBuffer(k, 'app', 0x11)
  return k
}

const user = (k: Kernel): number => handleOf(k, 'app')

/** [F] of the pins sheet, W13. */
export const swappedUnderIo: Scenario = {
  name: 'swapped-under-io',
  title: 'Reclaim takes a page that a driver holds',
  question:
    'A driver holds a page with FOLL_GET, and reclaim unmaps it. When the process touches it again, does it get the same page?',
  preset: 'v6.12',
  policies: ['cowReuse', 'swapPinned'],
  params: {},
  simplified: ['One page, and a swap device of 63 slots; reclaim takes the page whatever its age.'],
  build,
  story: [
    {
      title: 'A driver takes the page.',
      text: (_policies, k) =>
        `FOLL_GET|FOLL_WRITE, one plain reference: ${counters(k, pinnedPage(k, user(k)))}. Reclaim cannot tell it from a lookup.`,
      acts: [
        {
          who: 'app',
          operation: 'get_user_pages_fast',
          args: (k) => ({ start: areaAt(k), pages: 1, write: 1 }),
        },
      ],
    },
    {
      title: 'kswapd reclaims the page.',
      text: (policies, k) =>
        mappedBy(k, 'app') === undefined
          ? `It is in the swap cache, the entry is a swap entry, and the extra reference keeps it from being written out: ${counters(k, pinnedPage(k, user(k)))}.`
          : `It is left alone: ${policies['cowReuse'] === 'linus' ? 'a writable page with other references never goes into the swap cache' : 'it may be pinned'}.`,
      acts: [
        {
          who: 'kswapd0',
          operation: 'shrink_folio_list',
          args: (k) => ({ pfn: pinnedPage(k, user(k)) ?? 0 }),
        },
      ],
    },
    {
      title: 'The process reads its buffer.',
      text: (_policies, k) =>
        `The swap cache gives the same page back, ${pageName(mappedBy(k, 'app'))}: ${counters(k, mappedBy(k, 'app'))}. Whether it may be written at once depends on who remembers that it was exclusive.`,
      acts: [loads('app')],
    },
    {
      title: 'Then it writes.',
      text: (policies, k) =>
        isCoherent(k, 'app', user(k))
          ? `Still ${pageName(mappedBy(k, 'app'))}: the driver and the process agree.`
          : `${ruleOf(policies)}: the driver’s reference is in the way, so the process gets a copy, ${pageName(mappedBy(k, 'app'))}, and the driver is left with ${pageName(pinnedPage(k, user(k)))}.`,
      acts: [stores('app', 0x22)],
    },
    {
      title: 'The device writes, and the process looks.',
      text: (_policies, k) =>
        lastRead(k, 'app') === '0xd1'
          ? 'The data is there.'
          : `The process reads ${lastRead(k, 'app')}: the data went to a page that it no longer has.`,
      acts: [dmaWrites('dma0', user, 0xd1), loads('app')],
    },
  ],
}
