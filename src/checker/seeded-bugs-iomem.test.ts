import { describe, expect, it } from 'vitest'
import { irqentry_enter } from '../linux/arch/x86/entry/common'
import { __schedule } from '../linux/arch/x86/kernel/process'
import { pci_sysfs_init } from '../linux/drivers/pci/pci-sysfs'
import { open_port } from '../linux/fs/open-iomem'
import { catIomem } from '../linux/fs/proc/iomem-read'
import { IORESOURCE } from '../linux/include/ioport'
import { bootComplete } from '../linux/invariants/boot-complete'
import { listingIsOneTree } from '../linux/invariants/listing-is-one-tree'
import { noFalseKill } from '../linux/invariants/no-false-kill'
import { noLostWaiter } from '../linux/invariants/no-lost-waiter'
import { noOpenKeyLeft } from '../linux/invariants/no-open-key-left'
import { noStalePte } from '../linux/invariants/no-stale-pte'
import { noUserWriteAfterClaim } from '../linux/invariants/no-user-write-after-claim'
import { windowByItself } from '../linux/invariants/window-by-itself'
import type { Kernel } from '../linux/kernel'
import { iomem_init_inode } from '../linux/kernel/iomem-init'
import { __release_region, __request_region, release_region } from '../linux/kernel/resource'
import { waiterOf } from '../linux/kernel/resource-muxed'
import { revoke_iomem } from '../linux/kernel/resource-revoke'
import { kunmapPage } from '../linux/mm/highmem'
import { guestStore, hva_to_pfn_remapped } from '../linux/virt/kvm/kvm_pfnmap'
import type { Invariant } from '../machine'
import { areaOf, claims, fileOf, maps, storesTo, taskOf } from '../scenarios/iomem-story'
import {
  interrupts,
  mapsForItself,
  preempts,
  returns,
  strays,
  unmaps,
  writesBy,
} from '../scenarios/pks-story'
import type { Act } from '../scenarios/scenario'
import { barSeeds, bootMachine } from '../testing/boot-kernel'
import { brokenIn, type Example, heldIn } from '../testing/cells'
import { bootIomem, node } from '../testing/iomem-kernel'
import { type Mutable, type Mutant, withMutation } from '../testing/mutate'
import { bootPks, P, Q } from '../testing/pks-kernel'

const { mem: MEM, muxed: MUXED } = IORESOURCE
const BAR = { start: 0xfe000000, end: 0xfe0fffff }
const bar = node('0000:01:00.0', BAR.start, BAR.end, MEM)
const E = BAR.start / 4096

const act = (
  who: string,
  operation: { readonly name: string },
  args: Act['args'] = () => ({}),
): Act => ({ who, operation: operation.name, args })

/** Somebody lists the tree by one read, and a driver releases its claim. */
const listed: Example = (preset) => {
  const k = bootIomem(preset, [node('b', 0x2000, 0x2fff, MEM)], { users: [] })
  k.claim('D', 0x1000, 0x1fff, 'a')
  const acts = [
    act('D2', catIomem, () => ({ lines: 9 })),
    act('D', __release_region, () => ({ start: 0x1000, end: 0x1fff })),
  ]
  return { kernel: k.kernel, acts }
}

/** Two drivers take turns at a port. */
const takeTurns: Example = (preset) => {
  const range = { start: 0x2e, end: 0x2f }
  const acts = ['D', 'D2'].flatMap((who) => [
    act(who, __request_region, ({ globals: { ioport_resource: parent } }) => ({
      ...range,
      parent,
      name: who,
      flags: MUXED,
    })),
    act(who, release_region, () => range),
  ])
  return { kernel: bootIomem(preset, [], { users: [] }).kernel, acts }
}

/** T maps the BAR through /dev/mem, and is back from mmap(); then a driver claims it. */
const mapped =
  (...uses: readonly Act[]): Example =>
  (preset) => {
    const k = bootIomem(preset, [bar])
    k.mmap('T', E, 1, '/dev/mem', 'a')
    return { kernel: k.kernel, acts: [...uses, claims('D', 'd', BAR.start, BAR.end)] }
  }
const vpn = (k: Kernel): number => areaOf(k, 'a')?.vm_start ?? 0

/** The same from before the inode on; entries are made by faults, so that W6 is not in the way. */
const early: Example = (preset) => {
  const k = bootIomem(preset, [bar], { early: true, policies: { iomemMmap: 'fault' } })
  const isOpen: Act['when'] = (kernel) => fileOf(kernel, 'T') !== 0
  const acts = [
    act('D2', iomem_init_inode),
    act('T', open_port, () => ({ inode: 1 })),
    { ...maps('T', 'a', E, 1), when: isOpen },
    storesTo('T', 'a', E, 0xa2),
    claims('D', 'd', BAR.start, BAR.end),
  ]
  return { kernel: k.kernel, acts }
}

/** The boot beside an asynchronous probe; creators exclude each other. */
const boot: Example = (preset) => {
  const devices = [{ name: '0000:01:00.0', bars: barSeeds(1) }]
  const host = { name: 'pci0000:00', probe: 'async', worker: 'worker', devices } as const
  const rules = { preset, policies: { resourceFiles: 'mutex' } }
  return { kernel: bootMachine({ hosts: [host] }, rules).kernel, acts: [] }
}

/** Thread A writes by a window, with an interrupt and a context switch in it. */
const window: Example = (preset) => {
  const k = bootPks(preset, { pksFault: 'strict' }, { threads: ['A', 'C'], cpus: 1 })
  const acts = [
    mapsForItself('A', P),
    writesBy('A', 'A', P, 0x11),
    unmaps('A'),
    strays('C', Q, 0xbd),
    interrupts('CPU0', 'irq'),
    returns('CPU0'),
    preempts('CPU0', 'C'),
    preempts('CPU0', 'A'),
  ]
  return { kernel: k.kernel, acts }
}

interface Bug {
  readonly of: string
  readonly mistake: string
  readonly mutations: readonly (readonly [Mutable, step: string, Mutant])[]
  readonly breaks: Invariant<Kernel>
  readonly example: Example
  readonly preset: string
  /** States of the machine without the mistake, and moves of a shortest counterexample with it. */
  readonly states: number
  readonly moves: number
}

const bugs: readonly Bug[] = [
  {
    of: 'kernel/resource.c',
    mistake: 'a release does not take resource_lock',
    mutations: [[__release_region, 'lock', () => 'unlink']],
    breaks: listingIsOneTree,
    example: listed,
    preset: 'v6.12',
    states: 47,
    moves: 12,
  },
  {
    of: 'kernel/resource.c',
    mistake: 'who is to sleep sleeps, though it was woken meanwhile',
    mutations: [
      [
        __request_region,
        'schedule',
        (k, t) => {
          const waiter = waiterOf(k, t.task.id)
          if (waiter !== undefined)
            Object.assign(waiter, { state: 'TASK_UNINTERRUPTIBLE', asleep: 1 })
          return 'woken'
        },
      ],
    ],
    breaks: noLostWaiter,
    example: takeTurns,
    preset: 'v6.12',
    states: 226,
    moves: 17,
  },
  {
    of: 'drivers/char/mem.c',
    mistake: 'a claim clears no entry',
    mutations: [[revoke_iomem, 'zap', () => 'next_area']],
    breaks: noStalePte,
    example: mapped(storesTo('T', 'a', E, 0xa2)),
    preset: 'v5.8',
    states: 77,
    moves: 14,
  },
  {
    of: 'drivers/char/mem.c',
    mistake: '/dev/mem is there before the inode is published',
    mutations: [[open_port, 'check', () => 'open']],
    breaks: noStalePte,
    example: early,
    preset: 'v5.8',
    states: 457,
    moves: 27,
  },
  {
    of: 'drivers/pci/pci-sysfs.c',
    mistake: 'sysfs_initialized is set behind the loop',
    mutations: [
      [pci_sysfs_init, 'set_flag', () => 'next'],
      [
        pci_sysfs_init,
        'next',
        (k, t, original) => {
          const { klist: at } = t as unknown as { readonly klist: number }
          if (k.pciDevs.find(({ klist }) => klist > at) !== undefined) return original(k, t)
          return 'legacy'
        },
      ],
      [
        pci_sysfs_init,
        'legacy',
        (k, t) => {
          k.boots.at(1).sysfs_initialized = 1
          return t.done()
        },
      ],
    ],
    breaks: bootComplete,
    example: boot,
    preset: 'v6.12',
    states: 355,
    moves: 29,
  },
  {
    of: 'arch/x86/entry/common.c',
    mistake: 'an interrupt does not save PKRS',
    mutations: [
      [
        irqentry_enter,
        'enter',
        (k, t, original) => {
          const next = original(k, t)
          for (const frame of k.pkrsFrames.rows()) frame.pkrs = k.pks.at(1).init
          return next
        },
      ],
    ],
    breaks: noFalseKill,
    example: window,
    preset: 'pks-v10-2022',
    states: 626,
    moves: 16,
  },
  {
    of: 'arch/x86/kernel/process.c',
    mistake: 'a context switch does not write PKRS',
    mutations: [
      [
        __schedule,
        'pick',
        (k, t, original) => {
          const cpu = k.cpus.at(1)
          const { msr_pkrs, pkrs_cache } = cpu
          const next = original(k, t)
          Object.assign(cpu, { msr_pkrs, pkrs_cache })
          return next
        },
      ],
    ],
    breaks: windowByItself,
    example: window,
    preset: 'pks-v10-2022',
    states: 626,
    moves: 12,
  },
  {
    of: 'include/linux/highmem.h',
    mistake: 'kunmap_local() does not close the window',
    mutations: [[kunmapPage, 'unmap', () => 'forget']],
    breaks: noOpenKeyLeft,
    example: window,
    preset: 'pks-v10-2022',
    states: 626,
    moves: 12,
  },
  {
    of: 'virt/kvm/kvm_main.c',
    mistake: 'MMU notifiers are not told that the entries go',
    mutations: [
      [
        revoke_iomem,
        'zap',
        (k, t) => {
          k.ptes.in(t.mm).clear(vpn(k), vpn(k) + 1)
          return 'next_area'
        },
      ],
    ],
    breaks: noUserWriteAfterClaim,
    example: mapped(
      act('T', hva_to_pfn_remapped, (k) => ({ vpn: vpn(k) })),
      act('T', guestStore, (k) => ({ mm: taskOf(k, 'T')?.mm ?? 0, vpn: vpn(k), value: 0x6e })),
    ),
    preset: 'v6.12',
    states: 87,
    moves: 18,
  },
]

/** Makes all of the mistakes for as long as `body` takes. */
const mutated = <T>([first, ...rest]: Bug['mutations'], body: () => T): T =>
  first === undefined ? body() : withMutation(...first, () => mutated(rest, body))

describe.each(bugs)('$of: $mistake', ({ mutations, breaks, example, preset, states, moves }) => {
  it('is found, by a counterexample of the expected length', () => {
    expect(mutated(mutations, () => brokenIn(breaks, example, [preset]))).toEqual([moves])
  })

  it('is all that is wrong', () => {
    expect(heldIn(breaks, example, [preset])).toEqual([states])
  })
})
