import type { Kernel } from '../linux/kernel'
import { bootCxlMachine, isLeaked, onlineBlocks, regionOf, seedPageAt } from './cxl-machine'
import { areaAt, lastRead } from './memory-story'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootCxlMachine(setup, {
    processes: [{ comm: 'app', pid: 4242 }],
    admins: ['pciehp', 'root shell'],
  })
  seedPageAt(k, 'app', { pfn: 0x480500, value: 0x53 })
  return k
}

const load = { who: 'app', operation: 'userLoad', args: (k: Kernel) => ({ vpn: areaAt(k) }) }

/** How the last access of the app ended. */
function ended(k: Kernel): string {
  const app = k.tasks.find(({ name }) => name === 'app')
  if (app !== undefined && app.signal !== 'none') return `gets ${app.signal}, ${app.si_code}`
  const answer = k.fabricLoads.find(({ task }) => task === app?.id)?.answer
  if (answer === 'all_ones') return `reads ${lastRead(k, 'app')}, all-ones, and goes on with it`
  if (answer === 'decode_error')
    return `reads ${lastRead(k, 'app')}: no decoder claims the address, and it goes on all the same`
  return `reads ${lastRead(k, 'app')}`
}

/** W26 of the DAX sheet. */
export const cxlSurpriseRemoval: Scenario = {
  name: 'cxl-surprise-removal',
  title: 'The cable is pulled',
  question:
    'A CXL card goes away while its memory is System RAM, and in use. What do processes read, and what can the kernel still take back?',
  preset: 'v6.12',
  policies: ['linkDown', 'kmemRemove'],
  params: {},
  simplified: [
    'What a load gets when nobody answers is platform dependent; this is from memory, not from a recording.',
    'Every second page is on the other card, which stays: only one page of it is shown.',
  ],
  build,
  story: [
    {
      title: 'All is well.',
      text: (_policies, k) =>
        `The process ${ended(k)}: its page, 0x480500, is on card mem0, in memory block 144. All four blocks are online.`,
      acts: [load],
    },
    {
      title: 'The cable is pulled.',
      text: (_policies, k) =>
        `The link of mem0 is down. The host bridge still decodes the range, and memory block 144 is still online: the allocator knows nothing. The process ${ended(k)}.`,
      acts: [{ who: 'pciehp', operation: 'pullCable', args: () => ({ memdev: 1 }) }, load],
    },
    {
      title: 'pciehp notices, and the decoders are reset first.',
      text: (_policies, k) =>
        `The slot is empty: unbind cxl_pci, unregister the memdev, its endpoint, its decoders. cxl_decoder_kill_region() resets the region at once, from the host bridge down; what it writes to the card is lost. The users of the memory have not been asked yet: ${onlineBlocks(k)} blocks are online. The process ${ended(k)}.`,
      acts: [
        {
          who: 'pciehp',
          operation: 'pciehp_unconfigure_device',
          args: () => ({ memdev: 1 }),
          until: 'detach',
        },
        load,
      ],
    },
    {
      title: 'Only now is kmem unbound.',
      text: (_policies, k) =>
        isLeaked(k)
          ? `remove_memory() finds blocks online: -EBUSY. The log says “cannot be hotremoved until the next reboot”; the claim stays, the pages stay in the allocator: ${onlineBlocks(k)} blocks of memory that is not there. The process ${ended(k)}.`
          : `With the idea of the mail, every page was failed first: entries became hwpoison entries, the blocks went offline, and remove_memory() succeeded. The process ${ended(k)}. Nobody has coded it.`,
      acts: [{ who: 'pciehp' }, load],
    },
    {
      title: 'The region is deleted.',
      text: (_policies, k) =>
        isLeaked(k)
          ? 'The node of the region leaves the iomem tree. dax0.0 and System RAM (kmem) move up in its place, and keep their addresses until reboot: 512 MiB of address space are gone, and no other card can appear there.'
          : 'The node of the region leaves the iomem tree, and nothing is below it: the next region may lie at the same addresses.',
      acts: [
        { who: 'root shell', operation: 'delete_region', args: (k) => ({ region: regionOf(k) }) },
      ],
    },
  ],
}
