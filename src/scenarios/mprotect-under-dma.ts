import type { Kernel } from '../linux/kernel'
import { bootMemoryMachine } from './memory-machine'
import {
  areaOf,
  byteAt,
  counters,
  dmaWrites,
  handleOf,
  isCoherent,
  lastRead,
  loads,
  mappedBy,
  pageName,
  pinnedPage,
  pins,
  ruleOf,
  seedBuffer,
  stores,
} from './memory-story'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootMemoryMachine(setup, {
    processes: [{ comm: 'app', pid: 100 }],
    devices: ['mlx5_0'],
  })
  seedBuffer(k, 'app', 0x11)
  return k
}

const region = (k: Kernel): number => handleOf(k, 'app')
const protects = (write: number) => ({
  who: 'app',
  operation: 'mprotect_fixup',
  args: (k: Kernel) => ({ vma: areaOf(k, 'app'), read: 1, write }),
})

/** [G] of the pins sheet, W15. */
export const mprotectUnderDma: Scenario = {
  name: 'mprotect-under-dma',
  title: 'PROT_READ and back, with a device at work',
  question:
    'A process makes a registered buffer read-only for a while, and writable again. Does its next write leave the device behind?',
  preset: 'v6.12',
  policies: ['cowReuse', 'mprotectUpgrade'],
  params: {},
  simplified: ['One page, two bytes of it.'],
  build,
  story: [
    {
      title: 'The buffer is registered.',
      text: (_policies, k) => `A long-term write pin: ${counters(k, pinnedPage(k, region(k)))}.`,
      acts: [pins('app')],
    },
    {
      title: 'mprotect(PROT_READ), and the device writes all the same.',
      text: (_policies, k) =>
        `The buffer is read-only and holds ${byteAt(k, mappedBy(k, 'app'))} now: pins are not looked at, and DMA knows no page table. That is a surprise, but a legal one.`,
      acts: [protects(0), dmaWrites('mlx5_0', region, 0xd1)],
    },
    {
      title: 'mprotect(PROT_READ|PROT_WRITE).',
      text: (policies) =>
        policies['mprotectUpgrade'] === 'exclusive'
          ? 'The page is exclusive, so the entry is writable at once (6.0+): no fault will have to judge it.'
          : 'The entry stays read-only: the next write fault will judge the page.',
      acts: [protects(1)],
    },
    {
      title: 'The process writes.',
      text: (policies, k) =>
        isCoherent(k, 'app', region(k))
          ? `Process and device are both on ${pageName(mappedBy(k, 'app'))}.`
          : `${ruleOf(policies)}, and the pin is another reference: the process is on ${pageName(mappedBy(k, 'app'))} now, the device on ${pageName(pinnedPage(k, region(k)))}, ${counters(k, pinnedPage(k, region(k)))}.`,
      acts: [stores('app', 0x22)],
    },
    {
      title: 'The device writes again, and the process looks.',
      text: (_policies, k) =>
        lastRead(k, 'app') === '0xd2'
          ? 'It sees the data.'
          : `It reads ${lastRead(k, 'app')}: nobody forked, nobody unmapped, and the data is lost.`,
      acts: [dmaWrites('mlx5_0', region, 0xd2), loads('app')],
    },
  ],
}
