import { describe, expect, it } from 'vitest'
import { conservation } from '../../linux/invariants/conservation'
import { cowIsolation } from '../../linux/invariants/cow-isolation'
import { exclusiveDiscipline } from '../../linux/invariants/exclusive-discipline'
import { memoryInvariants } from '../../linux/invariants/families/memory'
import { freeMeansUnreferenced } from '../../linux/invariants/free-means-unreferenced'
import { frozenIsLocked } from '../../linux/invariants/frozen-is-locked'
import { gupCoherency } from '../../linux/invariants/gup-coherency'
import { gupFastSeesFork } from '../../linux/invariants/gup-fast-sees-fork'
import { ksmBytesStay } from '../../linux/invariants/ksm-bytes-stay'
import { longtermPlacement } from '../../linux/invariants/longterm-placement'
import { lruDiscipline } from '../../linux/invariants/lru-discipline'
import { noLostDma } from '../../linux/invariants/no-lost-dma'
import { pinnedMeansExclusive } from '../../linux/invariants/pinned-means-exclusive'
import { refsCoverMaps } from '../../linux/invariants/refs-cover-maps'
import { softDirtyComplete } from '../../linux/invariants/soft-dirty-complete'
import { tlbSafety } from '../../linux/invariants/tlb-safety'
import { writableMeansSoleOwner } from '../../linux/invariants/writable-means-sole-owner'
import { type ByKernel, kernels, spread } from '../../testing/kernel-ranges'
import { exploredOnce, type MachineName } from '../../testing/pins-machines'

/** Every state of each machine, in each kernel that it is looked at in. */
const machines: Readonly<Record<MachineName, ByKernel>> = {
  W1: { '–': 837 },
  W3: { '–v5.8': 866, 'v5.9–v5.16': 748, 'v5.18–': 795 },
  reader: { '–v5.8': 229, 'v5.9–v5.16': 224, 'v5.18–': 228 },
  W4: { '–v5.7': 573, 'v5.8': 1784, 'v5.9–v5.16': 521, 'v5.18–': 543 },
  // 5.8 breaks COW for the pipe, entry by entry of a split page: more than 2,000,000 states.
  huge: { '–v5.7': 749, 'v5.9–v5.16': 751, 'v5.18': 693, 'v5.19–': 721 },
  W5: { '–v5.8': 247, 'v5.9–v5.13': 107, 'v5.14–v5.18': 108, 'v5.19–': 112 },
  W7: {
    '–v5.8': 1801,
    'v5.9': 1865,
    'v5.11–v5.13': 1055,
    'v5.14–v5.16': 1069,
    'v5.18': 1079,
    'v5.19–': 1093,
  },
  W8: {
    '–v5.8': 239,
    'v5.9': 261,
    'v5.11–v5.13': 281,
    'v5.14–v5.16': 289,
    'v5.18': 293,
    'v5.19–': 255,
  },
  W9: { '–v5.8': 1899, 'v5.9–v5.16': 2135, 'v5.18': 2225, 'v5.19–': 1719 },
  W10: { '–v5.8': 2642, 'v5.9–v5.16': 2577, 'v5.18–v6.2': 2633, 'v6.5–': 5645 },
  W10get: { 'v6.5–': 2633 },
  W12: { '–v5.13': 315, 'v5.14–': 327 },
  W13: { '–v5.8': 479, 'v5.9–v5.16': 499, 'v5.18': 710, 'v5.19–': 508 },
  W14: {
    '–v5.8': 492,
    'v5.9': 512,
    'v5.11–v5.13': 539,
    'v5.14–v5.16': 548,
    'v5.18': 757,
    'v5.19–': 476,
  },
  W15: {
    '–v5.8': 796,
    'v5.9–v5.13': 809,
    'v5.14–v5.16': 820,
    'v5.18': 860,
    'v5.19': 725,
    'v6.0–': 323,
  },
  W16: {
    'v4.14': 623,
    'v5.1–v5.8': 669,
    'v5.9–v5.13': 674,
    'v5.14–v5.16': 678,
    'v5.18': 685,
    'v5.19–': 695,
  },
  W18: { '–v5.12': 36, 'v5.13–': 243 },
  W20: {
    '–v5.7': 405,
    'v5.8': 643,
    'v5.9–v5.13': 405,
    'v5.14–v5.18': 427,
    'v5.19–': 1043,
  },
  swap: { '–v5.8': 202, 'v5.9–v5.16': 232, 'v5.18': 262, 'v5.19–': 174 },
  swapAndFork: { '–v5.8': 1266, 'v5.9–v5.16': 1189, 'v5.18': 1318, 'v5.19–': 1237 },
  softOffline: { '–': 1157 },
  hwpoison: { '–v5.13': 1270, 'v5.14–': 1317 },
}

interface Row {
  readonly label: string
  readonly property: { readonly name: string }
  readonly machine: MachineName
  /** The length of a shortest schedule that breaks it. */
  readonly broken: ByKernel
  /** What is asked, and of which kernels the sheet says that it holds. */
  readonly says: string
}

/** What is asked of a property. */
const rowsOf = (
  label: string,
  property: Row['property'],
  asked: readonly (readonly [MachineName, broken: ByKernel, says: string])[],
): Row[] => asked.map(([machine, broken, says]) => ({ label, property, machine, broken, says }))

const promises: readonly Row[] = [
  ...rowsOf('I1', gupCoherency, [
    ['W5', { '–v5.8': 40 }, 'a pin, and behind it fork and a store: kept from 5.9 on'],
    ['W7', { '–v5.8': 39, 'v5.9': 38 }, 'a pin that races with fork: kept from 5.11 on'],
    [
      'W8',
      { 'v5.9–v5.13': 32, 'v5.14–v5.18': 33 },
      'a pin and clear_refs: kept up to 5.8 and from 5.19 on; 5.11 leaves pinned pages alone, and loses the race with gup-fast',
    ],
    [
      'W15',
      { 'v5.9–v5.13': 38, 'v5.14–v5.18': 39 },
      'a pin and mprotect: kept up to 5.8 and from 5.19 on',
    ],
    [
      'W9',
      { 'v5.9–v5.16': 32, 'v5.18': 33 },
      'a plain reference and clear_refs: kept up to 5.8 and from 5.19 on',
    ],
    [
      'W10',
      { '–v5.8': 40, 'v5.9–v5.16': 39, 'v5.18–v6.2': 40 },
      'a plain reference across fork: never kept; O_DIRECT pins from 6.5 on',
    ],
    [
      'W10get',
      { 'v6.5–': 40 },
      'a plain reference across fork: never kept, in later kernels neither',
    ],
    ['W13', { 'v5.9–v5.18': 45 }, 'a plain reference and swap: kept up to 5.8 and from 5.19 on'],
    [
      'W14',
      { 'v5.9–v5.13': 46, 'v5.14–v5.18': 47 },
      'a pin and swap: kept up to 5.8 and from 5.19 on; 5.11 does not swap pinned pages, and loses the race with gup-fast',
    ],
    [
      'W20',
      { '–v5.7': 18, 'v5.9–v5.13': 18, 'v5.14–v5.18': 19 },
      'a read-only pin and ksmd, with a flush that waits for nobody: kept in 5.8 and from 5.19 on',
    ],
  ]),
  ...rowsOf('I2', cowIsolation, [
    ['W4', { '–v5.7': 44 }, 'a pipe of the child: nothing leaks from 5.8 on'],
    [
      'huge',
      { '–v5.7': 40, 'v5.9–v5.16': 40 },
      'a pipe of the child and a huge page: nothing leaks from 5.18 on',
    ],
    ['W5', { '–v5.8': 26 }, 'what a device writes through a pin stays with the parent from 5.9 on'],
    [
      'W7',
      { '–v5.9': 26 },
      'what a device writes through a pin that races with fork stays with the parent from 5.11 on',
    ],
    [
      'W10',
      { '–v6.2': 27 },
      'what a disk writes through a plain reference reaches the child until O_DIRECT pins',
    ],
    [
      'W10get',
      { 'v6.5–': 27 },
      'what a disk writes through a plain reference reaches the child, in later kernels too',
    ],
  ]),
  ...rowsOf('I10', gupFastSeesFork, [
    ['W7', { '–v5.9': 14 }, 'no pin of the fast path overlaps a fork from 5.11 on'],
  ]),
  ...rowsOf('I12', longtermPlacement, [
    ['W18', { '–v5.12': 11 }, 'no long-term pin sits in ZONE_MOVABLE from 5.13 on'],
  ]),
  ...rowsOf('I13', noLostDma, [
    ['W5', { '–v5.8': 42 }, 'data that comes through a pin is not lost to fork from 5.9 on'],
    [
      'W7',
      { '–v5.8': 41, 'v5.9': 40 },
      'data that comes through a pin that races with fork is not lost from 5.11 on',
    ],
    [
      'W9',
      { 'v5.9–v5.16': 35, 'v5.18': 36 },
      'data that comes through a plain reference is not lost to clear_refs up to 5.8 and from 5.19 on',
    ],
    [
      'W10',
      { '–v5.8': 43, 'v5.9–v5.16': 42, 'v5.18–v6.2': 43 },
      'data that comes through O_DIRECT is not lost to fork from 6.5 on',
    ],
    [
      'W10get',
      { 'v6.5–': 43 },
      'data that comes through a plain reference is lost to fork, in later kernels too',
    ],
  ]),
]

/** What holds in every kernel, or speaks only of those that have the flag it is about. */
const laws: readonly Row[] = [
  ...rowsOf('I3', writableMeansSoleOwner, [
    ['W3', {}, 'a writable entry is the only one of its page'],
  ]),
  ...rowsOf('I4', exclusiveDiscipline, [
    ['W3', {}, 'an exclusive page is mapped once'],
    ['swapAndFork', {}, 'an exclusive swap entry is the only one'],
  ]),
  ...rowsOf('I5', pinnedMeansExclusive, [
    ['W7', {}, 'a page that is pinned under fork is exclusive'],
    ['W20', {}, 'a page that is pinned under ksmd is exclusive'],
  ]),
  ...rowsOf('I6', conservation, [
    ['W1', {}, 'holders add up to _refcount from fault to munmap'],
    ['softOffline', {}, 'holders add up to _refcount under migration'],
  ]),
  ...rowsOf('I7', refsCoverMaps, [['W12', {}, 'references cover the entries']]),
  ...rowsOf('I8', freeMeansUnreferenced, [['W12', {}, 'nothing names a free page']]),
  ...rowsOf('I9', tlbSafety, [['reader', {}, 'no TLB allows what the page table does not']]),
  ...rowsOf('I11', lruDiscipline, [['swap', {}, 'a page on an LRU list is in no batch']]),
  ...rowsOf('I14', softDirtyComplete, [['W8', {}, 'what is written is soft-dirty']]),
  ...rowsOf('I15', frozenIsLocked, [['swap', {}, 'a frozen page is locked']]),
  ...rowsOf('I16', ksmBytesStay, [['W16', {}, 'the bytes of a KSM page stay']]),
]

const rows = [...promises, ...laws]

const known = new Map<string, ReturnType<typeof exploredOnce>>()

/** One search for all the rows that ask about it. */
function found(machine: MachineName, kernel: string): ReturnType<typeof exploredOnce> {
  const key = `${machine} ${kernel}`
  const result = known.get(key) ?? exploredOnce(machine, kernel)
  known.set(key, result)
  return result
}

/** Milliseconds for all kernels of a machine, on a computer that is busy with other tests. */
const PATIENCE = 300_000

describe('§7.2 of the pins sheet, every interleaving', () => {
  it.each(rows)(
    '$label: $says ($property.name, $machine)',
    ({ property, machine, broken }) => {
      const lengths = spread(broken)
      for (const [kernel, states] of spread(machines[machine])) {
        const { states: all, broken: lost } = found(machine, kernel)
        const expected = { kernel, states, length: lengths.get(kernel) }
        expect({ kernel, states: all, length: lost[property.name] }).toEqual(expected)
      }
    },
    PATIENCE,
  )

  it.each(Object.keys(machines) as MachineName[])(
    '%s breaks nothing else',
    (machine) => {
      const own = rows.filter((row) => row.machine === machine)
      for (const kernel of spread(machines[machine]).keys()) {
        const named = own.filter(({ broken }) => spread(broken).has(kernel))
        const names = memoryInvariants
          .map(({ name }) => name)
          .filter((name) => named.some(({ property }) => property.name === name))
        const lost = Object.keys(found(machine, kernel).broken)
        expect({ kernel, lost }).toEqual({ kernel, lost: names })
      }
    },
    PATIENCE,
  )

  it('looks at each machine in every kernel, but for two where a note says so', () => {
    const partly = Object.entries(machines).filter(([, n]) => spread(n).size < kernels.length)
    expect(partly.map(([name]) => name)).toEqual(['huge', 'W10get'])
  })
})
