import { describe, expect, it } from 'vitest'
import { pack } from '../arena'
import type { Kernel } from '../linux/kernel'
import { gupFastVsRemove } from '../scenarios/gup-fast-vs-remove'
import { freshKernel, setupOf } from '../scenarios/open'
import { explored } from '../testing/explored'
import { Search } from './search'

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
      const { shown: _shown, ...found } = explored(boot(cpus))
      expect(found).toEqual({ states, transitions, broken: {} })
    },
    60_000,
  )

  it('counts as the slow way counts', () => {
    for (const cpus of [1, 2, 3]) {
      const { states, transitions } = explored(boot(cpus))
      expect({ states, transitions }).toEqual(exploreSlowly(boot(cpus)))
    }
  })

  it('is broken in eight steps where remove() leaves the entry and waits for the pgmap alone', () => {
    const search = new Search(boot(2, 'leave'))
    while (search.advance(1));
    const broken = search.claims.list.flatMap(({ invariant, finding, states: [first] }) =>
      first === undefined ? [] : [[invariant.name, finding, search.levelOf(first)]],
    )
    const finding = { table: 'tasks', id: 1, says: 'cpu0 still holds the page' }
    expect(broken).toEqual([['removeDoneMeansUnheld', finding, 8]])
  })

  it('plays nothing to bring the kernel back to where it began', () => {
    const kernel = boot(2)
    const { hash } = kernel.heap.arena
    const search = new Search(kernel)
    while (search.advance(1));
    search.play([])
    expect(kernel.heap.arena.hash).toBe(hash)
    expect(kernel.heap.arena.journal.length).toBe(0)
  })

  it('stops where it is told to, and knows that there is more', () => {
    const search = new Search(boot(4))
    expect(search.advance(100)).toBe(true)
    expect(search.isComplete).toBe(false)
    expect(search.states).toBeLessThan(8979)
  })
})
