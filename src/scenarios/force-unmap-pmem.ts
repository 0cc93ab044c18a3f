import type { Kernel } from '../linux/kernel'
import { accessOf, bootPmem, entryOf, hasSignal, returnOf, unbinds } from './dax-story'
import { loads, stores } from './memory-story'
import { seedFile, seedMapping } from './pmem-machine'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootPmem(setup, {
    processes: [
      { comm: 'A', pid: 4242 },
      { comm: 'B', pid: 4243 },
    ],
    admins: ['remover'],
  })
  for (const [who, name] of [
    ['A', '/mnt/f1'],
    ['B', '/mnt/f2'],
  ] as const) {
    const inode = seedFile(k, 'remover', name, 4096)
    seedMapping(k, who, { inode, pages: 1, pgoff: 0, label: who })
    const task = k.tasks.find((each) => each.name === who)
    if (task !== undefined && setup.params['early'] === 1) task.mce_kill = 'early'
  }
  return k
}

const isEarly = (k: Kernel): boolean =>
  k.tasks.find(({ name }) => name === 'A')?.mce_kill === 'early'
const entries = (k: Kernel): string => `A ${entryOf(k, 'A', 'A')}, B ${entryOf(k, 'B', 'B')}`
const poisoned = (k: Kernel): number => k.globals.num_poisoned_pages

/** W19 of the DAX sheet. */
export const forceUnmapPmem: Scenario = {
  name: 'force-unmap-pmem',
  title: 'Force unmap pmem: the series of March 2021',
  question:
    'On removal every page of the device is reported as failed, so that memory_failure() unmaps it. Does it unmap everybody?',
  preset: 'surprise-remove-2021',
  policies: ['removeNotify', 'rmapbt'],
  params: { early: { title: 'Processes ask for early kill', initial: 1, min: 0, max: 1 } },
  evidence: 'deduced',
  simplified: [
    'The series as intended: as posted, the reference that the driver drops first makes the test “a file system still holds the device” look off by one.',
    'Victims are collected as from 6.1 on; the tree of the series would have found processes of the remover’s own thread only.',
  ],
  build,
  story: [
    {
      title: 'A writes its file, B reads its own.',
      text: (_policies, k) =>
        `Entries: ${entries(k)}. ${isEarly(k) ? 'Both asked to hear of lost memory at once (early kill).' : 'Neither asked for early kill, which is the default.'}`,
      acts: [stores('A', 0xf1, 'A'), loads('B', 'B')],
    },
    {
      title: 'The unbind comes to the struct pages.',
      text: (_policies, k) =>
        `The disk was synced: ${entries(k)}. The dax_device is ${k.daxDevices.at(1).alive === 1 ? 'still alive: the series moves kill_dax() into the kill of the pgmap' : 'dead'}.`,
      acts: [{ ...unbinds('remover'), until: 'kill' }],
    },
    {
      title: 'The pgmap is killed.',
      text: (_policies, k) => {
        if (k.policy.removeNotify !== 'massFailure')
          return `Under this policy nothing is reported here. Entries: ${entries(k)}.`
        return `Page by page memory_failure() is called, without the notice of a file system: ${poisoned(k)} pages belong to a file and are marked. Entries: ${entries(k)}. ${hasSignal(k, 'A') ? `A ${accessOf(k, 'A')}, B ${accessOf(k, 'B')}.` : 'Nobody was found to kill, and so nothing was unmapped.'}`
      },
      acts: [{ who: 'remover', until: ['switch_to_atomic', 'remove_too_early'] }],
      oftenSaid: {
        said: 'The series calls a ->memory_failure() operation of the pgmap, once for the range.',
        but: 'It has no such operation: dev_pagemap_failure() loops over memory_failure_dev_pagemap(), one pfn at a time, 262,144 calls for a gigabyte. The operation and the ranged callback came in 6.0, after the XFS developers had objected. The series was never merged as posted.',
      },
    },
    {
      title: 'The struct pages are freed.',
      text: (_policies, k) =>
        `The unbind returns ${returnOf(k, 'remover')}. Entries: ${entries(k)}${entryOf(k, 'A', 'A') === 'none' ? '' : ', to pages that have no struct page'}.`,
      acts: [{ who: 'remover' }],
      oftenSaid: {
        said: 'For DAX, memory_failure() unmaps the page from whoever has it.',
        but: 'unmap_and_kill() unmaps only if at least one victim with a live mapping was collected, and late-kill processes other than the current one are not collected.',
      },
    },
    {
      title: 'A touches its file.',
      text: (_policies, k) => `It ${accessOf(k, 'A')}.`,
      acts: [loads('A', 'A')],
    },
  ],
}
