import { describe, expect, it } from 'vitest'
import { machine_restart } from '../../linux/arch/x86/kernel/reboot'
import { create_initial_pkrs_value, setup_pks } from '../../linux/arch/x86/mm/pkeys'
import { durability } from '../../linux/invariants/durability'
import { noFalseKill } from '../../linux/invariants/no-false-kill'
import { noOpenKeyLeft } from '../../linux/invariants/no-open-key-left'
import { registerAgrees } from '../../linux/invariants/register-agrees'
import { windowByItself } from '../../linux/invariants/window-by-itself'
import { windowOfThePage } from '../../linux/invariants/window-of-the-page'
import { always } from '../../linux/operation'
import type { PksMachine } from '../../scenarios/pks-machine'
import {
  interrupts,
  mapsAsEver,
  mapsForAll,
  mapsForItself,
  preempts,
  returns,
  strays,
  unmaps,
  writesBy,
} from '../../scenarios/pks-story'
import type { Act } from '../../scenarios/scenario'
import { brokenIn, type Example, heldIn } from '../../testing/cells'
import { bootPks, P, Q } from '../../testing/pks-kernel'

const RFC = ['pks-rfc-2020']
const V7 = ['pks-v7-2021']
const V10 = ['pks-v10-2022']
const STRICT = { pksFault: 'strict' }

/** Threads A on CPU0 and B on CPU1, if the machine is no other. */
const machine =
  (acts: readonly Act[], more: Partial<PksMachine> = {}): Example =>
  (preset, policies = {}) => ({ kernel: bootPks(preset, policies, more).kernel, acts })

const strayWrite = machine([strays('B', Q, 0xbd)])

/** W14, and W14b where the fault overtakes the restriction. */
const globalHole = machine([mapsForAll('A', P), unmaps('A'), strays('B', Q, 0xbd)])

/** W15: the pointer of a local mapping is handed over. */
const handedOver = machine([mapsForItself('A', P), writesBy('B', 'A', P, 0x22)])

/** W15b: and unmapped by whom it was handed to, who then maps for itself. */
const unmappedByOther = machine([
  mapsForItself('A', P),
  unmaps('B', 'A'),
  mapsForItself('B', Q),
  writesBy('B', 'B', Q, 0x22),
])

/** W16 */
const twoHolders = machine([
  mapsForAll('A', P),
  unmaps('A'),
  mapsForAll('B', Q),
  writesBy('B', 'B', Q, 0x22),
])

/** W17a */
const globalInLocal = machine([
  mapsForItself('A', P),
  mapsForAll('A', Q),
  writesBy('B', 'A', Q, 0x22),
])

/** W17b: the stray write comes when A has closed both. */
const localInGlobal = machine([
  mapsForAll('A', Q),
  mapsForItself('A', P),
  {
    ...unmaps('A'),
    args: (k) => ({ mapping: k.kernelMappings.find(({ pfn }) => pfn === Q)?.id ?? 0 }),
  },
  unmaps('A'),
  {
    ...strays('B', Q, 0xbd),
    when: (k) =>
      k.tasks.find(({ name }) => name === 'A')?.calls === 4 &&
      k.kernelMappings.find(() => true) === undefined,
  },
])

/** W18: CPUs come up, and the initcall computes what they should have had. */
const bootOrder = machine(
  [
    { who: 'CPU0', operation: setup_pks.name },
    { who: 'early', operation: create_initial_pkrs_value.name },
    { who: 'CPU1', operation: setup_pks.name },
    strays('early', P, 0xbd),
  ],
  { threads: ['early', 'late'], atReset: true },
)

const ONE_CPU = { threads: ['A'], cpus: 1 }

/** On one CPU an interrupt comes to a thread that may have a window; what happens from then on. */
const interrupted = (...acts: readonly Act[]): Example =>
  machine([mapsForItself('A', P), unmaps('A'), interrupts('CPU0', 'irq'), ...acts], ONE_CPU)

/** W19: an NMI in an interrupt in a window; the handler writes by a stray pointer. */
const nested = interrupted(
  interrupts('CPU0', 'nmi'),
  returns('CPU0'),
  strays('CPU0', Q, 0xbd),
  returns('CPU0'),
)

/** The same with interrupts that are not nested; the first handler has a window of its own. */
const oneHandler = interrupted(
  mapsForItself('CPU0', Q),
  unmaps('CPU0'),
  returns('CPU0'),
  interrupts('CPU0', 'irq'),
  strays('CPU0', Q, 0xbd),
  returns('CPU0'),
)

/** §4.5: the handler goes by a mapping of its own, while the thread has one. */
const handlerMaps = interrupted(mapsForItself('CPU0', Q), writesBy('CPU0', 'CPU0', Q, 0x22))

/** W19b: plain kmap(), and a write by it. */
const plainKmap = machine([mapsAsEver('A', P), writesBy('A', 'A', P, 0x11), unmaps('A')], ONE_CPU)

const inWindow = machine([mapsForItself('A', P), strays('A', Q, 0xbd)])

/** Threads alone, three on two CPUs: two that write what they have mapped, one that strays. */
const tasks = machine(
  [
    mapsForItself('A', P),
    writesBy('A', 'A', P, 0x11),
    unmaps('A'),
    mapsForItself('C', Q),
    writesBy('C', 'C', Q, 0x11),
    unmaps('C'),
    strays('B', Q, 0xbd),
    preempts('CPU0', 'C'),
    preempts('CPU1', 'A'),
  ],
  { threads: ['A', 'B', 'C'] },
)

describe('I12, a window of the page', () => {
  it.each([
    ['W14', globalHole, RFC, 11],
    ['W18', bootOrder, V7, 7],
    ['W19', nested, V10, 12],
    ['a stray write in a window', inWindow, [...RFC, ...V7, ...V10], 9],
  ] as const)('breaks by %s', (_label, example, names, moves) => {
    expect(brokenIn(windowOfThePage, example, names, STRICT)).toEqual([moves])
  })
})

describe('I12′, a window by itself', () => {
  it.each([
    ['W14', globalHole, RFC, 11],
    ['W17b', localInGlobal, RFC, 30],
    ['W18', bootOrder, V7, 7],
    ['W19', nested, V10, 12],
  ] as const)('breaks by %s', (_label, example, names, moves) => {
    expect(brokenIn(windowByItself, example, names, STRICT)).toEqual([moves])
  })

  it('breaks by W19b', () => {
    expect(brokenIn(windowByItself, plainKmap, V10)).toEqual([10])
  })

  it('holds in v10, strict, without nested exceptions', () => {
    const examples = [globalHole, localInGlobal, bootOrder, plainKmap, oneHandler, inWindow, tasks]
    const held = examples.flatMap((each) => heldIn(windowByItself, each, V10, STRICT))
    expect(held).toEqual([42, 25, 44, 9, 524, 10, 5952])
  })

  it('holds by W19 in the RFC, which saved the register', () => {
    expect(heldIn(windowByItself, nested, RFC)).toEqual([128])
  })
})

describe('I13, no false kill', () => {
  it.each([
    ['W15', handedOver, 12],
    ['W15b', unmappedByOther, 21],
    ['W16', twoHolders, 31],
    ['W17a', globalInLocal, 17],
  ] as const)('breaks by %s', (_label, example, moves) => {
    expect(brokenIn(noFalseKill, example, RFC)).toEqual([moves])
  })

  it('holds in v10 in task context', () => {
    const examples = [handedOver, twoHolders, globalInLocal, tasks]
    expect(examples.flatMap((each) => heldIn(noFalseKill, each, V10))).toEqual([15, 122, 46, 8236])
    expect(examples.flatMap((each) => heldIn(noFalseKill, each, V10, STRICT))).toEqual([
      13, 98, 35, 5952,
    ])
  })

  it('breaks in a handler that maps while the thread has a window (§4.5)', () => {
    expect(brokenIn(noFalseKill, handlerMaps, V10, STRICT)).toEqual([15])
  })

  it('breaks where another thread unmaps, which kmap_local_page() forbids', () => {
    expect(brokenIn(noFalseKill, unmappedByOther, V10, STRICT)).toEqual([21])
  })
})

describe('I14, the register agrees', () => {
  it('breaks by W14b, and by W19', () => {
    expect(brokenIn(registerAgrees, globalHole, RFC)).toEqual([26])
    expect(brokenIn(registerAgrees, nested, V10, STRICT)).toEqual([13])
  })

  it('holds in v10 in task context', () => {
    expect(heldIn(registerAgrees, tasks, V10)).toEqual([8236])
    expect(heldIn(registerAgrees, tasks, V10, STRICT)).toEqual([5952])
  })
})

describe('I15, no key is left open', () => {
  it.each([
    ['W14b', globalHole, RFC, 30],
    ['W15b', unmappedByOther, RFC, 11],
    ['W17b', localInGlobal, RFC, 23],
    ['W18', bootOrder, V7, 5],
    ['W19b', plainKmap, V10, 10],
  ] as const)('breaks by %s', (_label, example, names, moves) => {
    expect(brokenIn(noOpenKeyLeft, example, names)).toEqual([moves])
  })

  it('holds in v10, strict, also with nested exceptions', () => {
    const examples = [globalHole, localInGlobal, bootOrder, plainKmap, nested, oneHandler, tasks]
    expect(examples.flatMap((each) => heldIn(noOpenKeyLeft, each, V10, STRICT))).toEqual([
      42, 25, 44, 9, 173, 524, 5952,
    ])
  })

  it('breaks where another thread unmaps, which kmap_local_page() forbids', () => {
    expect(brokenIn(noOpenKeyLeft, unmappedByOther, V10, STRICT)).toEqual([11])
  })
})

/** I16, asked only when the machine has been reset. */
const durableOverReset = always({
  ...durability,
  broken: (k) => k.log.find(({ line }) => line === 'Linux version: booted') && durability.broken(k),
})

describe('I16, pmem keeps its bytes', () => {
  it('breaks without keys (§4.2), and a reset does not mend it', () => {
    expect(brokenIn(durability, strayWrite, ['v6.12'])).toEqual([2])
    const reset: Act = { who: 'CPU0', operation: machine_restart.name }
    const example = machine([strays('B', Q, 0xbd), reset])
    expect(brokenIn(durableOverReset, example, ['v6.12'])).toEqual([4])
    expect(heldIn(durability, example, V10, STRICT)).toEqual([19])
  })

  it('breaks by W14, and by W18', () => {
    expect(brokenIn(durability, globalHole, RFC)).toEqual([11])
    expect(brokenIn(durability, bootOrder, V7)).toEqual([7])
  })
})
