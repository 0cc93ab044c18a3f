import { describe, expect, it } from 'vitest'
import { bootIomem, type IomemKernel, node } from '../../testing/iomem-kernel'
import { iomemMistakes } from '../../testing/iomem-mistakes'
import type { Mutation } from '../../testing/mutate'
import { eachHasAMistake } from '../../testing/mutation-tests'
import { Dice } from '../../testing/random-walk'
import { mmap_mem } from '../drivers/char/mem'
import { pmem_attach_disk } from '../drivers/nvdimm/pmem'
import { catIomem } from '../fs/proc/iomem-read'
import { IORESOURCE } from '../include/ioport'
import { VM_FAULT_SIGSEGV } from '../include/mm'
import { __release_region, __request_region, release_region } from '../kernel/resource'
import { revoke_iomem } from '../kernel/resource-revoke'
import { do_fault } from '../mm/memory-file'
import { policies } from '../policies'
import { durability } from './durability'
import { iomemInvariants } from './families/iomem'
import { honestSignal } from './honest-signal'
import { listingIsOneTree } from './listing-is-one-tree'
import { noLostWaiter } from './no-lost-waiter'
import { noNewMapOfClaim } from './no-new-map-of-claim'
import { noStalePte } from './no-stale-pte'
import { noUserWriteAfterClaim } from './no-user-write-after-claim'
import { oneOwner } from './one-owner'
import { resourceTreeIsWhole } from './resource-tree-is-whole'

const BAR = { start: 0xf0000000, end: 0xf000ffff }
const F = BAR.start / 4096
const PMEM = { start: 0x100000, end: 0x100004 }

const boot = (chosen: Readonly<Record<string, string>> = {}): IomemKernel =>
  bootIomem('v6.12', [node('bar', BAR.start, BAR.end, IORESOURCE.mem)], {
    nodes: [
      { path: '/dev/mem', kind: 'mem' },
      { path: 'resource0', kind: 'resource', bar: BAR.start },
    ],
    policies: chosen,
  })

const bootPmem = (): IomemKernel => {
  const [start, end] = [PMEM.start * 4096, PMEM.end * 4096 - 1]
  const namespace = { name: 'namespace0.0', ...PMEM }
  return bootIomem('v6.12', [node('Persistent Memory', start, end, IORESOURCE.mem)], { namespace })
}

const claim = (k: IomemKernel) => k.claim('D', BAR.start, BAR.end, 'driver')

/** Two drivers want the port of the Super-I/O chip, and take turns. */
const takeTurns = (k: IomemKernel): void => {
  const parent = k.kernel.globals.ioport_resource
  const range = { start: 0x2e, end: 0x2f }
  const wants = { parent, ...range, name: 'superio', flags: IORESOURCE.muxed }
  k.task('D').begins(__request_region, wants).finishes()
  const second = k.task('D2').begins(__request_region, wants).runs()
  k.task('D').begins(release_region, range).finishes()
  second.runs()
}

const mistakes: readonly Mutation<IomemKernel>[] = [
  {
    breaks: noUserWriteAfterClaim,
    mistake: 'the claim believes that devmem_is_allowed() still allows the range',
    operation: revoke_iomem,
    step: 'ask',
    mutant: (_k, t) => t.done(),
    schedule: (k) => [k.mmap('T', F, 1), claim(k), k.store('T', F, 1)],
    says: 'T wrote to pfn 0xf0000, which driver has claimed',
  },
  {
    breaks: durability,
    ...iomemMistakes.clearsNothing,
    boot: bootPmem,
    schedule: (k) => [
      k.mmap('T', PMEM.start, 1),
      k.task('D').begins(pmem_attach_disk, { device: 1 }).finishes(),
      k.store('T', PMEM.start, 0xa2),
    ],
    says: 'page 0x100000 holds 0xa2: a store of T, and namespace0.0 is claimed',
  },
  {
    breaks: noStalePte,
    mistake: 'the claim walks over no area',
    operation: revoke_iomem,
    step: 'next_area',
    mutant: () => 'unlock',
    schedule: (k) => [k.mmap('T', F, 1), claim(k)],
    says: 'T still maps pfn 0xf0000, which driver has claimed',
  },
  {
    breaks: noNewMapOfClaim,
    mistake: 'exclusive pages pass the check',
    operation: mmap_mem,
    step: 'check_exclusive',
    mutant(k, t, original) {
      const { ioStrictDevmem } = k.policy
      Object.assign(k.policy, { ioStrictDevmem: 'off' })
      const next = original(k, t)
      Object.assign(k.policy, { ioStrictDevmem })
      return next
    },
    schedule: (k) => [claim(k), k.mmap('T', F, 2)],
    says: 'mmap() of /dev/mem let 2 claimed pages pass',
  },
  {
    breaks: honestSignal,
    mistake: 'the fault ends in SIGSEGV, as the thread of 2021 assumed',
    operation: do_fault,
    step: 'lookup',
    mutant: (_k, t) => t.done(VM_FAULT_SIGSEGV),
    schedule: (k) => [k.mmap('T', F, 1), claim(k), k.load('T', F)],
    says: 'T got SIGSEGV, SEGV_ACCERR',
  },
  {
    breaks: oneOwner,
    mistake: 'the descent goes into what is BUSY',
    operation: __request_region,
    step: 'try',
    mutant(k, t, original) {
      const held = k.resources.rows().filter(({ claim }) => claim === 'returned')
      for (const each of held) each.flags &= ~IORESOURCE.busy
      const next = original(k, t)
      for (const each of held) each.flags |= IORESOURCE.busy
      return next
    },
    schedule: (k) => [claim(k), k.claim('D2', BAR.start, BAR.end, 'vfio-pci')],
    says: 'driver and vfio-pci have claimed the same range',
  },
  {
    breaks: resourceTreeIsWhole,
    mistake: 'the node is freed where it is',
    operation: __release_region,
    step: 'unlink',
    mutant(k) {
      const held = k.resources.find(({ claim }) => claim === 'returned')
      k.resources.free(held?.id ?? 0)
      return 'unlock'
    },
    schedule: (k) => [claim(k), k.release('D', BAR.start, BAR.end)],
    says: 'a node below bar is freed',
  },
  {
    breaks: noLostWaiter,
    mistake: 'the release wakes nobody',
    operation: release_region,
    step: 'wake',
    mutant: (_k, t) => t.done(),
    schedule: takeTurns,
    says: 'D2 sleeps for a region that nobody has',
  },
  {
    breaks: listingIsOneTree,
    mistake: 'the position advances by two',
    operation: catIomem,
    step: 'r_show',
    mutant(k, t, original) {
      const next = original(k, t)
      k.iomemListings.at(1).index += 1
      return next
    },
    schedule: (k) => [
      k.insert('a', 0x1000, 0x1fff),
      k.task('D').begins(catIomem, { lines: 9 }).finishes(),
    ],
    says: 'D has read a listing that never was',
  },
]

describe('every property of I/O memory', () => {
  eachHasAMistake(iomemInvariants, mistakes, boot)
})

describe('no schedule that anybody makes up', () => {
  /** They make files in devtmpfs that are none of I/O memory. */
  const NOT_HERE = ['createFile', 'writeFile']
  const ALWAYS = [oneOwner, honestSignal, resourceTreeIsWhole]
  const anyPolicies = (dice: Dice) =>
    Object.fromEntries(policies.map(({ name, values }) => [name, dice.pick(Object.keys(values))]))

  /** Begins something in a thread that is idle, or lets it take a step. */
  function act(k: IomemKernel, dice: Dice): void {
    const { kernel } = k
    const { id, mm } = dice.pick(kernel.tasks.rows())
    if (kernel.machine.canStep(id)) {
      kernel.machine.step(id, dice.below(kernel.machine.choices(id)))
      return
    }
    if (!kernel.machine.isIdle(id)) return
    const started = kernel.machine.operations.filter(
      ({ start, name }) => start !== undefined && !NOT_HERE.includes(name),
    )
    const operation = dice.pick(started)
    const row = dice.below(4) + 1
    const page = F + dice.below(3)
    const args = Object.fromEntries(
      Object.entries(operation.params).map(([name, field]) => {
        if (field.kind === 'choice') return [name, dice.pick(field.choices)]
        if (typeof field.initial === 'string') return [name, dice.pick(['x', 'child'])]
        const area = kernel.vmas.find(({ vm_mm }) => vm_mm === mm)
        const values: Readonly<Record<string, number>> = {
          parent: 1,
          start: dice.pick([BAR.start, BAR.start + 0x1000, area?.vm_start ?? 0]),
          end: BAR.start + dice.pick([0xfff, 0x1fff, 0xffff]),
          flags: dice.pick([0, IORESOURCE.exclusive, IORESOURCE.muxed]),
          pgoff: dice.pick([page, 0, 1]),
          pos: page * 4096,
          vpn: (area?.vm_start ?? 0) + dice.below(3),
          lines: 1,
        }
        return [name, values[name] ?? dice.pick([row, 0, 1])]
      }),
    )
    if (operation.start?.refuse(kernel, args as never, id) !== undefined) return
    kernel.machine.start(id, operation, args)
  }

  it.each(Array.from({ length: 80 }, (_, seed) => seed))(
    'seed %i, breaks what holds in every kernel, or throws',
    (seed) => {
      const dice = new Dice(seed * 7919 + 1)
      const k = boot(anyPolicies(dice))
      for (let i = 0; i < 1500; i++) {
        act(k, dice)
        if (i % 10 === 0)
          expect(ALWAYS.map((each) => k.broken(each))).toEqual(ALWAYS.map(() => undefined))
      }
    },
  )
})
