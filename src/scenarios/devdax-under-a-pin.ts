import type { Kernel } from '../linux/kernel'
import { bootDeviceMachine } from './dax-machine'
import {
  accessOf,
  entryOf,
  hasOopsed,
  isIdle,
  pinsArea,
  reasonOf,
  returnOf,
  unbinds,
  unpins,
} from './dax-story'
import { qemuQ35Pmem } from './machines/qemu-q35-pmem'
import { areaAt, counters, forks, handleOf, loads, stores } from './memory-story'
import type { Act, Scenario, Setup } from './scenario'

/** The first page of dax0.0 on the recorded machine, behind its labels and its memory map. */
const HEAD = 0x60e00

function build(setup: Setup): Kernel {
  return bootDeviceMachine(setup, {
    iomem: qemuQ35Pmem,
    namespace: { name: 'dax0.0', start: HEAD, end: 0x90000 },
    processes: [{ comm: 'parent', pid: 4242 }],
    admins: ['root shell', 'driver'],
    sizes: { tasks: 5, mms: 2 },
  })
}

const map = (who: string, label: string, pages: number): Act => ({
  who,
  operation: 'dax_mmap',
  args: (k) => ({
    inode: k.inodes.find(({ name }) => name === '/dev/dax0.0')?.id ?? 0,
    pages,
    pgoff: 0,
    label,
    private: 0,
  }),
})

const pincount = (k: Kernel): string =>
  k.folios.has(HEAD) ? `, _pincount ${k.folios.at(HEAD).pincount}` : ''

/** What `devdax-pin` recorded: the mapping of group devdax, then group unbind. */
export const devdaxUnderAPin: Scenario = {
  name: 'devdax-under-a-pin',
  title: 'A DAX device is unbound under a long-term pin',
  question:
    'device_dax clears every mapping of its device before it goes. Does it wait for a pin as well, and what does the last unpin find?',
  preset: 'v6.12',
  policies: ['memunmapWait', 'longtermRevoke'],
  params: {},
  recorded: { file: 'devdax-pin', kernel: '6.12.117' },
  simplified: [
    'Attempts of the recording to map the device misaligned or private, which give -EINVAL, are left out.',
    'The pin was taken by a kernel module, with FOLL_LONGTERM as for RDMA; there was no adapter.',
  ],
  build,
  story: [
    {
      title: 'The device is mapped, and touched.',
      text: (_policies, k) =>
        `8 MiB of /dev/dax0.0, one PMD so far: ${entryOf(k, 'parent', 'A')}. Its 2 MiB are one folio of order 9: head ${counters(k, HEAD)}${pincount(k)}.`,
      acts: [map('parent', 'A', 2048), loads('parent', 'A'), stores('parent', 0x11, 'A')],
    },
    {
      title: 'The parent pins: one page, then all 512.',
      text: (_policies, k) =>
        `A pin of a large folio counts as 1, not as 1024, and once more in _pincount. With all 512 pages pinned: head ${counters(k, HEAD)}${pincount(k)}.`,
      acts: [
        pinsArea('parent', 'A', { page: 5 }),
        unpins('parent', 'parent'),
        pinsArea('parent', 'A', { page: 5, longterm: 1 }),
        unpins('parent', 'parent'),
        pinsArea('parent', 'A', { pages: 512, longterm: 1 }),
      ],
    },
    {
      title: 'It takes a plain reference instead.',
      text: (_policies, k) =>
        `FOLL_GET is 1 as well, and no pin: head ${counters(k, HEAD)}${pincount(k)}.`,
      acts: [
        unpins('parent', 'parent'),
        {
          who: 'parent',
          operation: 'get_user_pages_fast',
          args: (k) => ({ start: areaAt(k, 'A'), pages: 1, write: 1, longterm: 0, force: 0 }),
        },
      ],
    },
    {
      title: 'fork, and the child touches it.',
      text: (_policies, k) =>
        `The child starts without an entry, and its fault makes one: ${entryOf(k, 'child', 'A')}. Entries ${k.policy.daxRefcount === 'counted' ? 'count since 6.15' : 'do not count'}: ${counters(k, HEAD)}.`,
      acts: [unpins('parent', 'parent'), forks('parent', 'child'), stores('child', 0x22, 'A')],
    },
    {
      title: 'The parent unmaps; the child pins.',
      text: (_policies, k) =>
        `One page of the folio is pinned, for a long time and for writing: head ${counters(k, HEAD)}${pincount(k)}.`,
      acts: [
        {
          who: 'parent',
          operation: 'do_munmap',
          args: (k) => ({
            vma: k.vmas.find(({ vm_mm }) => vm_mm === k.tasks.at(1).mm)?.id ?? 0,
          }),
        },
        pinsArea('child', 'A', { page: 5, longterm: 1 }),
      ],
    },
    {
      title: 'Root unbinds.',
      text: (_policies, k) => {
        const entry = `The entry of the child: ${entryOf(k, 'child', 'A')}.`
        const waits = reasonOf(k, 'root shell')
        if (waits !== '')
          return `${entry} Then memunmap_pages() puts every page, and ${waits}. In state D: no signal ends that, and a registration need not end at all.`
        if (handleOf(k, 'child') === 0)
          return `${entry} Whoever held pins was told to let go, and did: unbind returns ${returnOf(k, 'root shell')} with nobody left. This was debated and never built.`
        return `${entry} unbind returns ${returnOf(k, 'root shell')} at once. Page pins are not looked at; the struct pages are gone, and the pin with them.`
      },
      acts: [unbinds('root shell')],
      oftenSaid: {
        said: 'remove() waits for the pins of pages.',
        but: 'That is so only from 5.2 to 5.17. Before, the wait came after the memory map had been torn down; from 5.18 on memunmap_pages() waits for references of the pgmap alone.',
      },
    },
    {
      title: 'The child touches it.',
      text: (_policies, k) =>
        `It ${accessOf(k, 'child')}, for a store and for a load: the device is dead, whatever holds the unbind up.`,
      acts: [stores('child', 0x33, 'A'), loads('child', 'A')],
    },
    {
      title: 'The parent maps it once more.',
      text: (_policies, k) =>
        `The node is still in /dev; mmap() returns ${returnOf(k, 'parent')}, -ENXIO.`,
      acts: [map('parent', 'Y', 512)],
    },
    {
      title: 'The pin is dropped.',
      text: (_policies, k) =>
        hasOopsed(k)
          ? 'unpin_user_pages() looks for the struct page, and there is none: “unable to handle page fault”, an oops in the kernel. Seen on the real 6.12.117.'
          : `The last put ends the wait: the pgmap is ${k.pgmaps.at(1).state}, unbind has returned ${isIdle(k, 'root shell') ? returnOf(k, 'root shell') : 'nothing yet'}.`,
      acts: [unpins('driver', 'child'), { who: 'root shell' }],
    },
  ],
}
