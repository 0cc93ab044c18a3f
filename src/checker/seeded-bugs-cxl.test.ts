import { describe } from 'vitest'
import { cxlDisableRegion } from '../linux/drivers/cxl/disable'
import { commit_store } from '../linux/drivers/cxl/region'
import { dev_dax_kmem_remove } from '../linux/drivers/dax/kmem'
import { claimsNeverOverlap } from '../linux/invariants/claims-never-overlap'
import { noLoadFromNowhere } from '../linux/invariants/no-load-from-nowhere'
import { noPinWithoutPage } from '../linux/invariants/no-pin-without-page'
import { offlineReturns } from '../linux/invariants/offline-returns'
import { onlineMeansDecoded } from '../linux/invariants/online-means-decoded'
import type { Kernel } from '../linux/kernel'
import { removeResource } from '../linux/kernel/resource-tree'
import { pin_user_pages_fast } from '../linux/mm/gup'
import { __gup_longterm_locked } from '../linux/mm/gup-slow'
import { offline_pages, remove_memory } from '../linux/mm/memory_hotplug'
import { userLoad } from '../linux/mm/user-access'
import { regionOf, seedPageAt } from '../scenarios/cxl-machine'
import { bootCxl, type CxlKernel } from '../testing/cxl-kernel'
import { unpins } from '../testing/dax-calls'
import { calls } from '../testing/explored'
import { findsEach, type SeededBug } from '../testing/seeded-bugs'

const PFN = 0x480500

/** A has a page on the first card. */
function boot(policies: Readonly<Record<string, string>> = {}): CxlKernel {
  const k = bootCxl({ policies })
  seedPageAt(k.kernel, 'A', { pfn: PFN, value: 0x53 })
  return k
}

const start = (k: CxlKernel) => k.kernel.vmas.at(1).vm_start

/** A has pinned it. */
function bootPinned(): CxlKernel {
  const k = boot()
  const pin = { start: start(k), pages: 1, write: 1, longterm: 0, force: 0 }
  k.task('A').begins(pin_user_pages_fast, pin).finishes()
  return k
}

const loads = (k: CxlKernel) => calls('userLoad', { vpn: start(k), value: 0 })
const onRegion = (operation: string, more: Readonly<Record<string, number>> = {}) =>
  calls(operation, (k) => ({ region: regionOf(k), ...more }))
const disables = onRegion('cxlDisableRegion', { force: 0 })
const resets = onRegion('commit_store', { commit: 0 })
const store = (block: number, state: string) => calls('state_store', { block, state })
const offlines = [147, 146, 145, 144].map((block) => store(block, 'offline'))
const onlines = store(144, 'online_movable')
const managed = (k: CxlKernel) => ({ A: [loads(k)], 'root shell': [disables, resets] })

/** The driver goes with its memory online; the region is deleted, and made anew. */
const rebuilt = (k: CxlKernel) => ({
  A: [loads(k)],
  'root shell': [
    calls('dax_bus_remove', { dax: 1 }),
    disables,
    resets,
    onRegion('delete_region'),
    calls('create_region', { root: 1, ways: 2, granularity: 4096, size: 0x20000000 }),
    onRegion('cxl_region_attach', { memdev: 1, pos: 0 }),
    onRegion('cxl_region_attach', { memdev: 2, pos: 1 }),
    onRegion('commit_store', { commit: 1 }),
    onRegion('cxl_region_probe', { devdax: 1 }),
  ],
})

/** As if remove_memory() had succeeded: both nodes leave the iomem tree. */
function releaseAnyway(k: Kernel): void {
  for (const name of ['System RAM (kmem)', 'dax0.0']) {
    const node = k.resources.find((each) => each.name === name)
    if (node !== undefined) removeResource(k, node)
  }
  k.devDaxes.at(1).driver = 'none'
}

const bugs: readonly SeededBug<CxlKernel>[] = [
  {
    label: 'cxl region',
    mistake: 'is unbound before its memory is offline',
    operation: cxlDisableRegion,
    step: 'offline',
    mutant: () => 'unbind',
    breaks: onlineMeansDecoded,
    boot,
    threads: managed,
    states: 580,
    length: 23,
  },
  {
    label: 'cxl region',
    mistake: 'resets its decoders, and leaves its users bound',
    operation: commit_store,
    step: 'look',
    mutant(k, t, original) {
      const { state } = k.cxlRegions.at(1)
      if (state !== 'COMMIT') return original(k, t)
      k.cxlRegions.at(1).state = 'RESET_PENDING'
      return 'reset'
    },
    breaks: onlineMeansDecoded,
    boot,
    threads: (k) => ({ A: [loads(k)], 'root shell': [...offlines, resets, onlines] }),
    states: 508,
    length: 79,
  },
  {
    label: 'kmem',
    mistake: 'releases its claim although the memory is still online',
    operation: dev_dax_kmem_remove,
    step: 'release',
    mutant(k, t) {
      releaseAnyway(k)
      return t.done(0)
    },
    breaks: claimsNeverOverlap,
    boot,
    threads: rebuilt,
    states: 974,
    length: 128,
  },
  {
    label: 'memory_hotplug',
    mistake: 'takes a block offline without moving its pages',
    operation: offline_pages,
    step: 'scan',
    mutant: () => 'offline',
    breaks: noLoadFromNowhere,
    boot,
    threads: managed,
    states: 580,
    length: 83,
  },
  {
    label: 'memory_hotplug',
    mistake: 'removes memory that is not offline',
    operation: remove_memory,
    step: 'check_offlined',
    mutant: () => 'remove',
    breaks: noPinWithoutPage,
    boot: bootPinned,
    threads: () => ({
      A: [unpins()],
      'root shell': [calls('dax_bus_remove', { dax: 1 })],
    }),
    states: 27,
    length: 7,
  },
  {
    label: 'memory_hotplug',
    mistake: 'meets a long-term pin, which did not leave ZONE_MOVABLE first',
    operation: __gup_longterm_locked,
    step: 'collect',
    mutant: (_k, t) => t.done(t.ret),
    breaks: offlineReturns,
    boot,
    threads: (k) => ({
      A: [
        calls('pin_user_pages_fast', {
          start: start(k),
          pages: 1,
          write: 1,
          longterm: 1,
          force: 0,
        }),
      ],
      'root shell': [calls('state_store', { block: 144, state: 'offline' })],
    }),
    states: 1280,
    length: 33,
  },
  {
    label: 'the machine check',
    mistake: 'is lost',
    operation: userLoad,
    step: 'translate',
    mutant(k, t, original) {
      const next = original(k, t)
      if (next !== 'machine_check') return next
      k.fabricLoads.make({ task: t.task.id, answer: 'all_ones', pfn: PFN })
      t.task.value = 0xff
      return t.done()
    },
    breaks: noLoadFromNowhere,
    boot: () => boot({ linkDown: 'machineCheck' }),
    threads: (k) => ({ A: [loads(k)], pciehp: [calls('pullCable', { memdev: 1 })] }),
    states: 28,
    length: 4,
  },
]

describe('a mistake in CXL or in memory hotplug', () => {
  findsEach(bugs)
})
