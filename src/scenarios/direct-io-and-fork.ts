import type { Kernel } from '../linux/kernel'
import { bootMemoryMachine } from './memory-machine'
import {
  areaAt,
  byteAt,
  counters,
  forks,
  handleOf,
  lastRead,
  loads,
  mappedBy,
  pageName,
  pinnedPage,
  seedBuffer,
} from './memory-story'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootMemoryMachine(setup, {
    processes: [{ comm: 'reader', pid: 100, threads: ['forker'] }],
    devices: ['nvme0'],
  })
  seedBuffer(k, 'reader', 0x11)
  return k
}

const io = (k: Kernel): number | undefined => pinnedPage(k, handleOf(k, 'reader'))

/** [C] of the pins sheet, W10. */
export const directIoAndFork: Scenario = {
  name: 'direct-io-and-fork',
  title: 'A read that never arrives: O_DIRECT against fork',
  question:
    'One thread reads from a disk with O_DIRECT, another forks and touches the same page. Does the first thread get its data?',
  preset: 'v6.12',
  policies: ['cowReuse', 'forkCopy', 'directIo'],
  params: {},
  simplified: ['The read is one sector into one page. Two bytes stand for the page.'],
  build,
  story: [
    {
      title: 'A thread reads from disk.',
      text: (policies, k) =>
        policies['directIo'] === 'pin'
          ? `From 6.5 on the buffer is held by FOLL_PIN: ${counters(k, io(k))}. The thread sleeps until the disk has written the data.`
          : `Up to 6.4 the buffer is held by FOLL_GET, one plain reference: ${counters(k, io(k))}. Nothing tells that the page is under DMA.`,
      acts: [
        {
          who: 'reader',
          operation: 'directRead',
          args: (k) => ({ vpn: areaAt(k), value: 0xd1 }),
        },
      ],
    },
    {
      title: 'Another thread forks.',
      text: (_policies, k) =>
        mappedBy(k, 'reader') === mappedBy(k, 'child')
          ? `fork shares the page and write-protects both entries: ${counters(k, mappedBy(k, 'reader'))}.`
          : `fork sees a page that may be pinned: the child gets a copy, ${pageName(mappedBy(k, 'child'))}, and the parent’s entry stays writable.`,
      acts: [forks('forker', 'child')],
    },
    {
      title: 'It writes elsewhere in the same page.',
      text: (_policies, k) =>
        mappedBy(k, 'reader') === io(k)
          ? `The process stays on ${pageName(io(k))}, which the disk will write to.`
          : `The page is mapped twice, so the write copies it: the process is on ${pageName(mappedBy(k, 'reader'))} now, the disk will write to ${pageName(io(k))}. The copy was made before the data came.`,
      acts: [
        {
          who: 'forker',
          operation: 'userStore',
          args: (k) => ({ vpn: areaAt(k), value: 0x22, offset: 512 }),
        },
      ],
    },
    {
      title: 'The disk writes its data.',
      text: (_policies, k) =>
        `0xd1 arrives; the process has ${byteAt(k, mappedBy(k, 'reader'))} at the buffer, the child ${byteAt(k, mappedBy(k, 'child'))}. read(2) returns success.`,
      acts: [
        {
          who: 'nvme0',
          operation: 'bio_endio',
          args: (k) => ({ handle: handleOf(k, 'reader'), value: 0xd1 }),
        },
        { who: 'reader' },
      ],
    },
    {
      title: 'The reader looks at its buffer.',
      text: (_policies, k) =>
        lastRead(k, 'reader') === '0xd1'
          ? 'It finds the data.'
          : `It finds ${lastRead(k, 'reader')}: the data of a successful read is lost, and the child has it. No rule at the write fault could have saved it: only fork knew both sides.`,
      acts: [loads('reader')],
    },
  ],
}
