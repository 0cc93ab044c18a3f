import { describe, expect, it } from 'vitest'
import { pack } from '../arena'
import type { Kernel } from '../linux/kernel'
import { gupFastVsRemove } from '../scenarios/gup-fast-vs-remove'
import { freshKernel, setupOf } from '../scenarios/open'
import { explore } from './explore'

function boot(cpus: number, removalZap = 'zap'): Kernel {
  const setup = setupOf(gupFastVsRemove, { params: { cpus }, policies: { removalZap } })
  if (typeof setup === 'string') throw new Error(setup)
  return freshKernel(gupFastVsRemove, setup)
}

/** The slow way: a Map of whole states as texts. */
function exploreSlowly(kernel: Kernel): { states: number; transitions: number } {
  const { arena } = kernel.heap
  const seen = new Set<string>()
  let transitions = 0
  const visit = (): void => {
    const state = pack(arena).join(' ')
    if (seen.has(state)) return
    seen.add(state)
    for (const { id } of kernel.tasks.rows()) {
      if (!kernel.machine.canStep(id)) continue
      const mark = arena.mark()
      kernel.machine.step(id)
      transitions += 1
      visit()
      arena.undoTo(mark)
    }
  }
  visit()
  return { states: seen.size, transitions }
}

describe('gup-fast against remove(), every interleaving', () => {
  it.each([
    [1, 25, 38],
    [2, 171, 399],
    [3, 1225, 3875],
    [4, 8979, 35899],
    [5, 66_625, 322_087],
    [6, 498_171, 2_825_303],
  ])(
    '%i CPUs have exactly %i states and %i transitions, as TLA+ and SPIN find',
    (cpus, states, transitions) => {
      const found = explore(boot(cpus))
      expect(found.states).toBe(states)
      expect(found.transitions).toBe(transitions)
      expect(found.broken).toBeUndefined()
      expect(found.complete).toBe(true)
    },
    60_000,
  )

  it('counts as the slow way counts', () => {
    for (const cpus of [1, 2, 3]) {
      const { states, transitions } = explore(boot(cpus))
      expect({ states, transitions }).toEqual(exploreSlowly(boot(cpus)))
    }
  })

  it('is broken in eight steps where remove() leaves the entry and waits for the pgmap alone', () => {
    expect(explore(boot(2, 'leave')).broken).toEqual({
      property: 'removeDoneMeansUnheld',
      finding: { table: 'tasks', id: 1, says: 'cpu0 still holds the page' },
      depth: 8,
    })
  })

  it('leaves the kernel as it was', () => {
    const kernel = boot(2)
    const { hash } = kernel.heap.arena
    explore(kernel)
    expect(kernel.heap.arena.hash).toBe(hash)
    expect(kernel.heap.arena.journal.length).toBe(0)
  })

  it('says where a limit stopped it', () => {
    const found = explore(boot(4), 100)
    expect(found.complete).toBe(false)
    expect(found.states).toBeLessThan(8979)
  })
})
