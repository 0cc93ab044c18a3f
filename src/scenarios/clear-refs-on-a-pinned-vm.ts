import type { Kernel } from '../linux/kernel'
import { bootMemoryMachine } from './memory-machine'
import {
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
    processes: [{ comm: 'vm', pid: 4000 }],
    admins: ['migration'],
    devices: ['vfio NIC'],
  })
  seedBuffer(k, 'vm', 0x11)
  return k
}

const guest = (k: Kernel): number => handleOf(k, 'vm')

/** [D] of the pins sheet, W8: the case of David Hildenbrand’s mail. */
export const clearRefsOnAPinnedVm: Scenario = {
  name: 'clear-refs-on-a-pinned-vm',
  title: 'echo 4 > clear_refs corrupts a VM with VFIO',
  question:
    'A VM’s memory is pinned for a passed-through device. Somebody clears the soft-dirty bits, as migration does. Do guest and device stay on the same page?',
  preset: 'v6.12',
  policies: ['cowReuse', 'clearRefs'],
  params: {},
  recorded: { file: 'anon-cow', kernel: '6.12.117' },
  simplified: ['One page stands for the guest’s memory, two bytes for the page.'],
  build,
  story: [
    {
      title: 'The guest’s memory is pinned.',
      text: (_policies, k) =>
        `VFIO pins with FOLL_PIN|FOLL_LONGTERM|FOLL_WRITE for as long as the device is passed through: ${counters(k, pinnedPage(k, guest(k)))}.`,
      acts: [pins('vm')],
    },
    {
      title: 'Migration clears the soft-dirty bits.',
      text: (policies) =>
        policies['clearRefs'] === 'skipPinned'
          ? 'The entry is on a page that may be pinned, so it is left alone: still writable, and still soft-dirty, which over-reports.'
          : 'The entry is write-protected, so that the next store faults and sets the bit. Nothing asks whether the page is pinned.',
      acts: [{ who: 'migration', operation: 'clear_refs_write', args: () => ({ mm: 1 }) }],
    },
    {
      title: 'The guest writes.',
      text: (policies, k) =>
        policies['clearRefs'] === 'skipPinned'
          ? `No fault at all, for the entry was never write-protected: guest and device are both on ${pageName(mappedBy(k, 'vm'))}.`
          : isCoherent(k, 'vm', guest(k))
            ? `${ruleOf(policies)}: guest and device are both on ${pageName(mappedBy(k, 'vm'))}.`
            : `${ruleOf(policies)}. The pin is such a reference, so the guest gets ${pageName(mappedBy(k, 'vm'))}, and the device keeps ${pageName(pinnedPage(k, guest(k)))}: ${counters(k, pinnedPage(k, guest(k)))}. They are out of step for ever, without any fork.`,
      acts: [stores('vm', 0x22)],
    },
    {
      title: 'The device writes, and the guest looks.',
      text: (_policies, k) =>
        lastRead(k, 'vm') === '0xd1'
          ? 'The guest sees what its device wrote.'
          : `The guest reads ${lastRead(k, 'vm')}: what its device writes it will never see. “A real world uABI break, unfortunately.”`,
      acts: [dmaWrites('vfio NIC', guest, 0xd1), loads('vm')],
    },
  ],
}
