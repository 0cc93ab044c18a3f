import { describe, expect, it } from 'vitest'
import { Timeline } from '../../../machine'
import { defaultSetup } from '../../../scenarios/open'
import { bootPksMachine, PMEM } from '../../../scenarios/pks-machine'
import { Dice } from '../../../testing/random-walk'
import type { Kernel } from '../../kernel'
import { mapCalls } from '../../mm/highmem-rights'
import { policies } from '../../policies'

type Args = Readonly<Record<string, number | string>>

const ours = policies.filter(({ name }) => /^(pks|kmap)/.test(name))

function boot(dice: Dice): Kernel {
  const chosen = ours.map(({ name, values }) => [name, dice.pick(Object.keys(values))] as const)
  const k = bootPksMachine(
    { ...defaultSetup, policies: { ...defaultSetup.policies, ...Object.fromEntries(chosen) } },
    { threads: ['A', 'B', 'C'], hasPks: dice.below(8) > 0, atReset: dice.below(4) === 0 },
  )
  k.heap.arena.journal.length = 0
  return k
}

const someAct = (dice: Dice): readonly [string, Args] => {
  const pfn = dice.pick([0x200, PMEM.start, PMEM.start + 1, PMEM.end, -1])
  const mapping = dice.below(5)
  const by = dice.pick([...mapCalls, 'kmap_high'])
  return dice.pick<readonly [string, Args]>([
    ['kmapPage', { pfn, by, global: dice.below(2) }],
    ['kmapPage', { pfn, by, global: dice.below(2) }],
    ['kunmapPage', { mapping }],
    ['kunmapPage', { mapping }],
    ['kernelStore', { pfn, mapping, value: dice.below(300) }],
    ['kernelLoad', { pfn, mapping, value: 0 }],
    ['pmemRead', { pfn }],
    ['irqentry_enter', { kind: dice.pick(['irq', 'nmi', 'tick']) }],
    ['irqentry_exit', {}],
    ['__schedule', { next: dice.below(7) }],
    ['copy_thread', { target: dice.below(7) }],
    ['flush_thread', {}],
    ['setup_pks', {}],
    ['create_initial_pkrs_value', {}],
    ['machine_restart', {}],
    ['memunmap_pages', { pgmap: 1 }],
  ])
}

/** Begins something at a thread that is idle, or goes on with one; now and then back and forth in time. */
function move(timeline: Timeline<Kernel>, dice: Dice): void {
  const { kernel } = timeline
  const task = 1 + dice.below(5)
  if (kernel.machine.isIdle(task)) {
    const [operation, args] = someAct(dice)
    timeline.take({ kind: 'start', task, operation, args })
  } else timeline.take({ kind: 'step', task, choice: 0 })
}

describe('at any moment of any schedule of protection keys', () => {
  it('every property has an answer, every wait a reason, and time runs both ways', () => {
    let moments = 0
    for (let seed = 1; seed <= 120; seed++) {
      const dice = new Dice(seed * 7919)
      const timeline = new Timeline(boot(dice))
      const { kernel: k } = timeline
      for (let i = 0; i < 200; i++) {
        move(timeline, dice)
        for (const each of k.invariants)
          if (each.kind === 'always') expect(each.broken(k)?.says ?? 'nothing').toMatch(/^.{7,}/)
        for (const { id } of k.tasks.rows())
          if (!k.machine.isIdle(id))
            expect(k.machine.waiting(id)?.reason ?? 'waits').toMatch(/^(waits|spins)/)
      }
      const end = k.heap.arena.hash
      moments += timeline.length
      timeline.seek(0)
      timeline.seek(timeline.length)
      expect(k.heap.arena.hash).toBe(end)
    }
    expect(moments).toBeGreaterThan(3000)
  })
})
