import { describe, expect, it } from 'vitest'
import { cxlInvariants } from '../../linux/invariants/families/cxl'
import { holdRun } from '../../linux/mm/holders'
import { cxlManagedUnplug } from '../../scenarios/cxl-managed-unplug'
import {
  creates,
  deletes,
  disables,
  loads,
  offline,
  pins,
  pulls,
  resets,
  unbinds,
} from '../../testing/cxl-calls'
import { bootWithPage, type CxlKernel } from '../../testing/cxl-kernel'
import { unpins } from '../../testing/dax-calls'
import { columnOf, labelled } from '../../testing/dax-labels'
import { calls } from '../../testing/explored'
import { released } from '../../testing/kernel-ranges'
import { playedEveryWay, type Row } from '../../testing/sheet-rows'
import { verdictsOf } from '../verdicts'

type K = CxlKernel
const properties = labelled(cxlInvariants)

/** The first page of the block that will not go, 146. */
const FIRST = 146 * 32_768

/** The block is in ZONE_NORMAL, and has a slab page. */
function bootSlab(): K {
  const k = bootWithPage({ pfn: FIRST, machine: { region: 'online_kernel' } })
  k.kernel.freePages.clear(FIRST + 2, FIRST + 3)
  k.kernel.pages.at(FIRST + 2).refcount = 1
  holdRun(k.kernel, FIRST + 2, FIRST + 3, 'alloc', 1)
  return k
}

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
  ['W24', '6.12', 'nothing', 3149, () => bootWithPage({ pfn: FIRST }), leaked],
  ['W25', '6.12', 'nothing', 2340, () => bootWithPage(), managed],
  // `commit` unbinds the driver, which cannot say no, and resets the decoders whatever became of the memory.
  [
    'W25',
    '6.12, memory online',
    'S8 19, S9 17',
    75,
    () => bootWithPage(),
    (k) => ({ A: [loads(k)], 'root shell': [resets] }),
  ],
  ['W26', '6.12, all-ones', 'S8 4, S9 2', 143, () => bootWithPage(), surprise],
  ['W26', '6.12, machine checks', 'S9 2', 714, () => bootWithPage({ policies: check }), surprise],
  [
    'W28',
    '5.12, a long-term pin',
    'L4 26',
    496,
    () => bootWithPage({ preset: 'v5.12' }),
    pinned(1),
  ],
  [
    'W28',
    '5.13, a long-term pin',
    'nothing',
    1350,
    () => bootWithPage({ preset: 'v5.13' }),
    pinned(1),
  ],
  ['W28', '6.12, a long-term pin', 'nothing', 1352, () => bootWithPage(), pinned(1)],
  ['W28', '6.12, a short pin', 'nothing', 476, () => bootWithPage(), pinned(0)],
  ['W28', '6.12, a slab page', 'nothing', 10, bootSlab, () => ({ 'root shell': [offline(146)] })],
]

describe('CXL memory and hotplug, every interleaving', () => {
  it.each(rows)('%s on %s breaks: %s', (_example, _on, breaks, states, machine, threads) => {
    expect(playedEveryWay(machine, threads, properties)).toEqual({ states, breaks })
  })

  it('gives the column “Violated in” of §8, as far as these examples go', () => {
    expect(columnOf(rows)).toEqual({ S8: 'W25 W26', S9: 'W25 W26', L4: 'W28' })
  })

  it('finds the scenario of W25 clean under every kernel that has CXL, and up to 5.12 but for the pin', () => {
    const verdicts = verdictsOf(cxlManagedUnplug)
    const of = (name: string) => verdicts.find(({ kernels }) => kernels.includes(name))
    for (const name of released('v5.19')) expect([name, of(name)?.broken]).toEqual([name, {}])
    expect(
      verdicts.filter(
        ({ isComplete, hangs, livelock }) =>
          !isComplete || livelock || Object.keys(hangs).length > 0,
      ),
    ).toEqual([])
    for (const name of released('v4.14', 'v5.12'))
      expect(Object.keys(of(name)?.broken ?? {})).toEqual(['offlineReturns', 'longtermPlacement'])
  })
})
