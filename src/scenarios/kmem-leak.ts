import type { Kernel } from '../linux/kernel'
import { addressOf, bootCxlMachine, onlineBlocks, regionOf, seedPageAt } from './cxl-machine'
import { entryOf, isIdle, reasonOf, returnOf, taskOf } from './dax-story'
import { areaAt, counters, handleOf } from './memory-story'
import type { Act, Scenario, Setup } from './scenario'

/** A block that will not go: the third of four. */
const BLOCK = 146
const PAGE = BLOCK * 32_768

function build(setup: Setup): Kernel {
  const k = bootCxlMachine(setup, {
    processes: [{ comm: 'app', pid: 4242 }],
    admins: ['root shell', 'another shell'],
  })
  seedPageAt(k, 'app', { pfn: PAGE, value: 0x53 })
  return k
}

const offlines = (who: string, block: number): Act => ({
  who,
  operation: 'state_store',
  when: (k) =>
    isIdle(k, who) && k.memoryBlocks.has(block) && k.memoryBlocks.at(block).state === 'online',
  args: () => ({ block, state: 'offline' }),
})

/** What root does to the region, one after the other. */
const onRegion = (operation: string, more: Readonly<Record<string, number>> = {}): Act => ({
  who: 'another shell',
  operation,
  args: (k) => ({ region: regionOf(k), ...more }),
})

const isClaimed = (k: Kernel): boolean =>
  k.resources.find(({ name }) => name === 'System RAM (kmem)') !== undefined
const driver = (k: Kernel): string => k.devDaxes.find(() => true)?.driver ?? 'gone'

/** W24 of the DAX sheet. */
export const kmemLeak: Scenario = {
  name: 'kmem-leak',
  title: 'One block will not go: kmem leaks a region',
  question:
    'Memory of a CXL region is System RAM, and one block of it is in use when the driver is unbound. Who owns the addresses afterwards?',
  preset: 'v6.12',
  policies: ['kmemRemove'],
  params: {},
  simplified: [
    'The pin is a short one, so it is taken where the page is; a long-term pin would have moved the page away (from memory: since 5.13).',
    'Four memory blocks of 128 MiB; real machines of that size have larger ones.',
  ],
  build,
  freeFrom: 'Root unbinds kmem.',
  story: [
    {
      title: 'The process pins a page in block 146.',
      text: (_policies, k) =>
        `Page 0x490000: ${counters(k, PAGE)}. ${onlineBlocks(k)} blocks are online; /proc/iomem has region0 > dax0.0 > System RAM (kmem).`,
      acts: [
        {
          who: 'app',
          operation: 'pin_user_pages_fast',
          args: (k) => ({ start: areaAt(k), pages: 1, write: 1, longterm: 0, force: 0 }),
        },
      ],
    },
    {
      title: 'Root offlines the three others.',
      text: (_policies, k) => `Blocks 144, 145 and 147 are offline; ${onlineBlocks(k)} is online.`,
      acts: [144, 145, 147].map((block) => offlines('root shell', block)),
    },
    {
      title: 'Root unbinds kmem.',
      text: (_policies, k) =>
        isClaimed(k)
          ? `remove_memory() finds block 146 online: -EBUSY, and nothing is removed. The driver core cannot stop: unbind returns ${returnOf(k, 'root shell')}, the driver is ${driver(k)}. The log says “cannot be hotremoved until the next reboot”.`
          : `The idea of the mail: every page was failed first, so remove_memory() succeeded, and the claim is given back. The entry of the process: ${entryOf(k, 'app', 'buf')}; its pin is of a struct page that is gone.`,
      acts: [{ who: 'root shell', operation: 'dax_bus_remove', args: () => ({ dax: 1 }) }],
    },
    {
      title: 'The pin goes, and block 146 as well.',
      text: (_policies, k) =>
        isClaimed(k)
          ? `Block 146 goes offline: ${onlineBlocks(k)} blocks are online. Too late: nobody will call remove_memory() again.`
          : 'The last put finds no struct page.',
      acts: [
        {
          who: 'app',
          operation: 'unpin_user_pages',
          when: (k) => handleOf(k, 'app') !== 0,
          args: (k) => ({ handle: handleOf(k, 'app') }),
        },
        offlines('root shell', BLOCK),
      ],
    },
    {
      title: 'Root binds kmem again.',
      text: (_policies, k) =>
        returnOf(k, 'root shell') < 0
          ? `dax0.0 is claimed already, by its own former driver: ${returnOf(k, 'root shell')}, -EBUSY.`
          : 'The range is free: the memory is there again.',
      acts: [
        { who: 'root shell', operation: 'dev_dax_probe', args: () => ({ dax: 1, devdax: 0 }) },
      ],
    },
    {
      title: 'The region is deleted, and a new one made.',
      text: (_policies, k) => {
        const waits = reasonOf(k, 'another shell')
        if (waits !== '') return `It ${waits}.`
        return `The new region lies at ${addressOf(k, regionOf(k))}. ${isClaimed(k) && addressOf(k, regionOf(k)) !== '0x480000000' ? 'The node of the old one is gone, its claims moved up and stay: 512 MiB of addresses are lost until reboot. That wastes them, and it makes sure that no other card appears behind a pointer that survived.' : 'The addresses are used again.'}`
      },
      acts: [
        onRegion('cxlDisableRegion'),
        onRegion('commit_store', { commit: 0 }),
        onRegion('delete_region'),
        {
          who: 'another shell',
          operation: 'create_region',
          when: (k) => isIdle(k, 'another shell') && taskOf(k, 'another shell')?.ret === 0,
          args: () => ({ root: 1, ways: 2, granularity: 4096, size: 0x20000000 }),
        },
      ],
    },
  ],
}
