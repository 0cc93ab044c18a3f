import { dax_mmap } from '../linux/drivers/dax/device'
import type { Kernel } from '../linux/kernel'
import {
  bootSmallDevice,
  DEVICE_PAGE,
  entryOf,
  hasOopsed,
  reasonOf,
  returnOf,
  unbinds,
} from './dax-story'
import { areaAt, byteAt, counters, dmaWrites, handleOf, stores } from './memory-story'
import { run } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootSmallDevice(setup, {
    processes: [{ comm: 'app', pid: 4242 }],
    admins: ['root shell', 'another shell'],
    devices: ['mlx5_0'],
  })
  run(k, 'app', dax_mmap, { inode: 1, pages: 8, pgoff: 0, label: 'buf', private: 0 })
  return k
}

const handle = (k: Kernel): number => handleOf(k, 'app')
const isUnbound = (k: Kernel): boolean => k.namespaces.at(1).driver === 'none'
const gen = (k: Kernel): number => k.namespaces.at(1).gen

/** W23 of the DAX sheet. */
export const rdmaOutlivesTheCard: Scenario = {
  name: 'rdma-outlives-the-card',
  title: 'A registration outlives the card',
  question:
    'An RDMA adapter may write to a DAX device whenever it likes. The device is unbound, and its card replaced: does removal wait, and where does the adapter write?',
  preset: 'v6.12',
  policies: ['memunmapWait', 'longtermRevoke'],
  params: {},
  evidence: 'deduced',
  simplified: [
    'There is no IOMMU: the adapter has physical addresses.',
    'The device is aligned to 4 KiB, so that a page is not part of a folio; the usual 2 MiB count a pin as 1.',
    'That removal does not wait, and that the unpin oopses, was recorded on 6.12; the DMA to another card follows from the code.',
  ],
  build,
  story: [
    {
      title: 'The process registers a page.',
      text: (_policies, k) =>
        `mlx5_0 has the address of page 0x480200: ${counters(k, DEVICE_PAGE)}. On fs-dax the registration would be refused; on a DAX device it is allowed.`,
      acts: [
        stores('app', 0x11),
        { who: 'app', operation: 'ib_umem_get', args: (k) => ({ start: areaAt(k), pages: 1 }) },
      ],
    },
    {
      title: 'Root unbinds the device.',
      text: (_policies, k) => {
        const entry = `The entry of the process: ${entryOf(k, 'app', 'buf')}.`
        const reason = reasonOf(k, 'root shell')
        if (reason !== '')
          return `${entry} The removal ${reason}. It hangs in state D, and says who holds it up.`
        return handle(k) === 0
          ? `${entry} The registration was revoked; unbind returns ${returnOf(k, 'root shell')}.`
          : `${entry} unbind returns ${returnOf(k, 'root shell')}. The page has ${k.pages.has(DEVICE_PAGE) ? counters(k, DEVICE_PAGE) : 'no struct page any more'}; the adapter has its address still.`
      },
      acts: [unbinds('root shell')],
    },
    {
      title: 'The card is replaced.',
      text: (_policies, k) =>
        `Another card answers at the same addresses, generation ${gen(k)}: another tenant’s bytes, ${byteAt(k, DEVICE_PAGE)} in that page.`,
      acts: [
        {
          who: 'another shell',
          operation: 'replaceDevice',
          when: isUnbound,
          args: () => ({ device: 1, value: 0x7e }),
        },
      ],
    },
    {
      title: 'The adapter writes.',
      text: (_policies, k) =>
        gen(k) > 1
          ? `0xd1 arrives at the address that it was given, which is the other tenant’s memory: ${byteAt(k, DEVICE_PAGE)} where that had 0x7e. A stale mapping of a CPU leaks reads; a stale registration leaks writes too.`
          : `0xd1 arrives: page 0x480200 has ${byteAt(k, DEVICE_PAGE)}. It is still the first card, for the driver is still bound: the price of that is an unbind that hangs.`,
      acts: [{ ...dmaWrites('mlx5_0', handle, 0xd1), when: (k) => handle(k) !== 0 }],
    },
    {
      title: 'The process deregisters.',
      text: (_policies, k) =>
        !hasOopsed(k)
          ? `The last put: the pgmap is ${k.pgmaps.at(1).state}, and unbind has returned ${returnOf(k, 'root shell')}.`
          : 'The struct page is gone: an oops in unpin_user_pages().',
      acts: [
        {
          who: 'app',
          operation: 'ib_umem_release',
          when: (k) => handle(k) !== 0,
          args: (k) => ({ handle: handle(k) }),
        },
        { who: 'root shell' },
      ],
    },
  ],
}
