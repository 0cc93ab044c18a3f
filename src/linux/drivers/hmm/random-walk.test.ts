import { describe, expect, it } from 'vitest'
import type { Operation } from '../../../machine'
import { bootGpu, type GpuKernel } from '../../../testing/gpu-kernel'
import { Dice } from '../../../testing/random-walk'
import { conservation } from '../../invariants/conservation'
import { freeMeansUnreferenced } from '../../invariants/free-means-unreferenced'
import { handedOutMeansLive } from '../../invariants/handed-out-means-live'
import { lruDiscipline } from '../../invariants/lru-discipline'
import { mapcountCountsEntries } from '../../invariants/mapcount-counts-entries'
import { refsCoverMaps } from '../../invariants/refs-cover-maps'
import { tlbSafety } from '../../invariants/tlb-safety'
import { writableMeansSoleOwner } from '../../invariants/writable-means-sole-owner'
import type { Kernel } from '../../kernel'
import { operations } from '../../operations'

type Begin = readonly [string, Readonly<Record<string, number | string>>]

/** What the threads of a process may do to one page. */
const processActs = (k: GpuKernel, dice: Dice, mm: number): Begin => {
  const { vpn } = k
  const pin = { start: vpn, pages: 1, write: dice.below(2), longterm: 0, force: 0 }
  const vma = k.kernel.vmas.find(({ vm_mm }) => vm_mm === mm)?.id ?? 0
  if (dice.below(SELDOM) === 0)
    return dice.pick<Begin>([
      ['pin_user_pages_fast', pin],
      ['get_user_pages_fast', pin],
      ['mprotect_fixup', { vma, read: 1, write: dice.below(2) }],
      ['kernel_clone', { name: 'child' }],
      ['do_madvise', { vma, advice: 'DONTNEED' }],
    ])
  return dice.pick<Begin>([
    ['userLoad', { vpn, value: 0, offset: 0 }],
    ['userStore', { vpn, value: dice.below(256), offset: 0 }],
    ['dmirror_migrate_to_device', { vpn, device: 1 }],
    ['dmirror_migrate_to_device', { vpn, device: 1 }],
    ['unpin_user_pages', { handle: dice.pick([1, 2]) }],
  ])
}

/** One turn in so many begins what ends a while of migration. */
const SELDOM = 6

const rootActs = (k: GpuKernel, dice: Dice): Begin => {
  const isBound = k.kernel.dmirrors.at(1).state === 'bound'
  if (!isBound) return ['dmirror_allocate_chunk', { device: 1 }]
  const waits = k.kernel.policy.devicePageCount !== 'reset'
  if (waits && dice.below(SELDOM) === 0) return ['dmirror_device_remove', { device: 1 }]
  return dice.pick<Begin>([
    ['shrink_folio_list', { pfn: 0x12345 + dice.below(6) }],
    ['lru_add_drain_cpu', { cpu: 1 + dice.below(3) }],
    ['memory_failure', { pfn: k.first + dice.below(2), flags: 0 }],
  ])
}

/** Begins something, or takes a step; what was done. */
function move(k: GpuKernel, dice: Dice): string | undefined {
  const { machine, tasks } = k.kernel
  const task = dice.pick(tasks.rows())
  if (task.role === 'zombie' || task.role === 'device') return undefined
  if (!machine.isIdle(task.id)) {
    if (!machine.canStep(task.id)) return undefined
    const step = `${task.name}: ${machine.stepName(task.id)}`
    machine.step(task.id, dice.below(machine.choices(task.id)))
    return step
  }
  const [name, args] = task.mm === 0 ? rootActs(k, dice) : processActs(k, dice, task.mm)
  const operation = operations.find((each) => each.name === name) as Operation<Kernel>
  if (operation.start?.refuse(k.kernel, args as never, task.id) !== undefined) return undefined
  machine.start(task.id, operation, args)
  return undefined
}

/** What must hold at every step. From 5.18 to 6.0, where an unbind waits for nobody, there is none. */
const laws = [
  conservation,
  refsCoverMaps,
  mapcountCountsEntries,
  freeMeansUnreferenced,
  tlbSafety,
  lruDiscipline,
  writableMeansSoleOwner,
  handedOutMeansLive,
]

describe('in any schedule, every property of pages on a device holds', () => {
  it.each([
    ['v5.12', 'PRIVATE'],
    ['v5.18', 'PRIVATE'],
    ['v6.1', 'PRIVATE'],
    ['v6.12', 'PRIVATE'],
    ['v6.12', 'COHERENT'],
    ['v6.15', 'COHERENT'],
  ] as const)('%s, %s', (preset, type) => {
    let moved = 0
    for (let seed = 1; seed <= 30; seed++) {
      const dice = new Dice(seed * 104_729)
      const k = bootGpu(preset, { type })
      for (let taken = 0, tries = 0; taken < 200 && tries < 6000; tries++) {
        const step = move(k, dice)
        if (step === undefined) continue
        taken += 1
        if (step.includes('migrate_vma.remap')) moved += 1
        const broken = laws.flatMap((each) => k.broken(each) ?? [])
        expect(broken, `seed ${seed}, step ${taken}, after ${step}`).toEqual([])
      }
    }
    expect(moved).toBeGreaterThan(20)
  })
})
