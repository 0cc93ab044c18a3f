import type { Kernel } from '../linux/kernel'
import { bootMemoryMachine } from './memory-machine'
import {
  byteAt,
  counters,
  dmaWrites,
  forks,
  handleOf,
  isCoherent,
  loads,
  mappedBy,
  pageName,
  pinnedPage,
  pins,
  seedBuffer,
  stores,
} from './memory-story'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootMemoryMachine(setup, {
    processes: [{ comm: 'app', pid: 4242 }],
    devices: ['mlx5_0'],
  })
  seedBuffer(k, 'app', 0x11)
  return k
}

const region = (k: Kernel): number => handleOf(k, 'app')

/** [B] of the pins sheet, W5 and W6: the wrong copy. */
export const rdmaAndFork: Scenario = {
  name: 'rdma-and-fork',
  title: 'RDMA, fork, and the wrong copy',
  question:
    'A process registers a buffer with an RDMA device, forks, and writes to the buffer. Do the device and the process still mean the same page?',
  preset: 'v6.12',
  policies: ['cowReuse', 'forkCopy', 'pinCount'],
  params: {},
  recorded: { file: 'anon-cow', kernel: '6.12.117' },
  simplified: [
    'Two bytes stand for a page; the first is shown.',
    'The child runs no code of its own until the story tells it to.',
  ],
  build,
  story: [
    {
      title: 'The process registers its buffer.',
      text: (policies, k) => {
        const page = pinnedPage(k, region(k))
        const pin = policies['pinCount'] === 'one' ? '1, like any reference' : '1024'
        return `ibv_reg_mr pins ${pageName(page)} for writing, for as long as the region lives: FOLL_PIN adds ${pin}. ${counters(k, page)}.`
      },
      acts: [pins('app')],
    },
    {
      title: 'It forks.',
      text: (_policies, k) => {
        const parent = mappedBy(k, 'app')
        const child = mappedBy(k, 'child')
        return parent === child
          ? `Both now map ${pageName(parent)}, read-only: ${counters(k, parent)}. The device goes on writing to it, and nobody asked the device.`
          : `fork saw that ${pageName(parent)} may be pinned, and gave the child a copy at once, ${pageName(child)}. The parent keeps its own page, still writable: nothing will fault, so nothing can go wrong.`
      },
      acts: [forks('app', 'child')],
    },
    {
      title: 'The process writes to its buffer.',
      text: (_policies, k) => {
        const mine = mappedBy(k, 'app')
        const devices = pinnedPage(k, region(k))
        return isCoherent(k, 'app', region(k))
          ? `No copy: process and device still mean ${pageName(mine)}.`
          : `The fault finds a page that is mapped twice, so it copies: the process is on ${pageName(mine)} now, and the device still has ${pageName(devices)}. Copying for the writer is right for fork, and wrong for DMA.`
      },
      acts: [stores('app', 0x22)],
    },
    {
      title: 'The device receives data.',
      text: (_policies, k) => `mlx5_0 writes 0xd1 into ${pageName(pinnedPage(k, region(k)))}.`,
      acts: [dmaWrites('mlx5_0', region, 0xd1)],
    },
    {
      title: 'Both processes look.',
      text: (_policies, k) => {
        const mine = byteAt(k, mappedBy(k, 'app'))
        const child = byteAt(k, mappedBy(k, 'child'))
        return mine === '0xd1'
          ? `The process that registered the buffer reads ${mine}: the data arrived. The child reads ${child}, from its own copy.`
          : `The process that registered the buffer reads ${mine}: the data never arrives for it. The child, which never asked, reads ${child}. Both promises are broken at once.`
      },
      acts: [loads('app'), loads('child')],
    },
  ],
}
