import { describe, expect, it } from 'vitest'
import { cxlInvariants } from '../../linux/invariants/families/cxl'
import type { Kernel } from '../../linux/kernel'
import { holdRun } from '../../linux/mm/holders'
import type { Call } from '../../machine'
import { regionOf, seedPageAt } from '../../scenarios/cxl-machine'
import { bootCxl, type CxlKernel } from '../../testing/cxl-kernel'
import { unpins } from '../../testing/dax-calls'
import { columnOf, labelled } from '../../testing/dax-labels'
import { calls } from '../../testing/explored'
import { playedEveryWay, type Row } from '../../testing/sheet-rows'

type K = CxlKernel
const properties = labelled(cxlInvariants)

/** Its first pages are those of the block that will not go, 146; that of W26 is in block 144. */
const FIRST = 146 * 32_768
const PFN = 0x480500

/** A has a page on the first card. */
function boot(pfn: number, preset = 'v6.12', policies: Readonly<Record<string, string>> = {}): K {
  const k = bootCxl({ preset, policies })
  seedPageAt(k.kernel, 'A', { pfn, value: 0x53 })
  return k
}

/** The block is in ZONE_NORMAL, and has a slab page. */
function bootSlab(): K {
  const k = bootCxl({ machine: { region: 'online_kernel' } })
  seedPageAt(k.kernel, 'A', { pfn: FIRST, value: 0x53 })
  k.kernel.freePages.clear(FIRST + 2, FIRST + 3)
  k.kernel.pages.at(FIRST + 2).refcount = 1
  holdRun(k.kernel, FIRST + 2, FIRST + 3, 'alloc', 1)
  return k
}

const start = (k: K) => k.kernel.vmas.at(1).vm_start
const loads = (k: K) => calls('userLoad', { vpn: start(k), value: 0 })
const pins = (k: K, longterm: 0 | 1) =>
  calls('pin_user_pages_fast', { start: start(k), pages: 1, write: 1, longterm, force: 0 })
const offline = (block: number) => calls('state_store', { block, state: 'offline' })

const onRegion = (operation: string, more: Readonly<Record<string, number>> = {}): Call<Kernel> =>
  calls(operation, (k) => ({ region: regionOf(k), ...more }))
const disables = onRegion('cxlDisableRegion', { force: 0 })
const resets = onRegion('commit_store', { commit: 0 })
const deletes = onRegion('delete_region')
const unbinds = calls('dax_bus_remove', { dax: 1 })
/** Both cards, interleaved, as a DAX device. */
const creates = [
  calls('create_region', { root: 1, ways: 2, granularity: 4096, size: 0x20000000 }),
  onRegion('cxl_region_attach', { memdev: 1, pos: 0 }),
  onRegion('cxl_region_attach', { memdev: 2, pos: 1 }),
  onRegion('commit_store', { commit: 1 }),
  onRegion('cxl_region_probe', { devdax: 1 }),
]

const pulls = calls('pullCable', { memdev: 1 })
const unplugs = calls('pciehp_unconfigure_device', { memdev: 1 })
const swaps = [1, 2].flatMap((memdev) => [
  calls('pciehp_unconfigure_device', { memdev }),
  calls('pciehp_configure_device', { memdev, page: 0x280, value: 0x7e }),
])

const managed = (k: K) => ({
  A: [loads(k), loads(k)],
  'root shell': [disables, resets, deletes, ...swaps, ...creates],
})
/** The driver goes while block 146 is online; the region is deleted, and made anew. */
const leaked = (k: K) => ({
  A: [pins(k, 0), unpins()],
  'root shell': [
    offline(144),
    offline(145),
    offline(147),
    unbinds,
    disables,
    resets,
    deletes,
    ...creates,
  ],
})
const surprise = (k: K) => ({ A: [loads(k)], pciehp: [pulls, unplugs] })
const pinned = (longterm: 0 | 1) => (k: K) => ({
  A: [pins(k, longterm), unpins()],
  'root shell': [offline(144)],
})
const check = { linkDown: 'machineCheck' }

const rows: readonly Row<K>[] = [
  ['W24', '6.12', 'nothing', 3149, () => boot(FIRST), leaked],
  ['W25', '6.12', 'nothing', 2340, () => boot(PFN), managed],
  // `commit` unbinds the driver, which cannot say no, and resets the decoders whatever became of the memory.
  [
    'W25',
    '6.12, memory online',
    'S8 19, S9 17',
    75,
    () => boot(PFN),
    (k) => ({ A: [loads(k)], 'root shell': [resets] }),
  ],
  ['W26', '6.12, all-ones', 'S8 4, S9 2', 143, () => boot(PFN), surprise],
  ['W26', '6.12, machine checks', 'S9 2', 714, () => boot(PFN, 'v6.12', check), surprise],
  ['W28', '5.12, a long-term pin', 'L4 26', 496, () => boot(PFN, 'v5.12'), pinned(1)],
  ['W28', '5.13, a long-term pin', 'nothing', 1350, () => boot(PFN, 'v5.13'), pinned(1)],
  ['W28', '6.12, a long-term pin', 'nothing', 1352, () => boot(PFN), pinned(1)],
  ['W28', '6.12, a short pin', 'nothing', 476, () => boot(PFN), pinned(0)],
  ['W28', '6.12, a slab page', 'nothing', 10, bootSlab, () => ({ 'root shell': [offline(146)] })],
]

describe('CXL memory and hotplug, every interleaving', () => {
  it.each(rows)('%s on %s breaks: %s', (_example, _on, breaks, states, machine, threads) => {
    expect(playedEveryWay(machine, threads, properties)).toEqual({ states, breaks })
  })

  it('gives the column “Violated in” of §8, as far as these examples go', () => {
    expect(columnOf(rows)).toEqual({ S8: 'W25 W26', S9: 'W25 W26', L4: 'W28' })
  })
})
