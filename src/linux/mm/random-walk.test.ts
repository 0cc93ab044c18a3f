import { describe, expect, it } from 'vitest'
import { anyPolicies, bootSmallWorld, Dice, moveSomewhere } from '../../testing/random-walk'
import { conservation } from '../invariants/conservation'
import { freeMeansUnreferenced } from '../invariants/free-means-unreferenced'
import { lruDiscipline } from '../invariants/lru-discipline'
import { mapcountCountsEntries } from '../invariants/mapcount-counts-entries'
import { refsCoverMaps } from '../invariants/refs-cover-maps'
import { tlbSafety } from '../invariants/tlb-safety'
import { writableMeansSoleOwner } from '../invariants/writable-means-sole-owner'
import type { Kernel } from '../kernel'

/** What must hold at every micro-step, whichever mix of rules. */
const laws = [
  conservation,
  refsCoverMaps,
  mapcountCountsEntries,
  freeMeansUnreferenced,
  tlbSafety,
  lruDiscipline,
  writableMeansSoleOwner,
]

const hashOf = (k: Kernel): readonly number[] => [k.heap.arena.hashLo, k.heap.arena.hashHi]

const STEPS_A_WALK = 500
const WALKS = 420

describe('random schedules of two processes, three pages and every kind of user', () => {
  it(`keep every equation at each of ${WALKS * STEPS_A_WALK} steps, and undo to the exact hash`, () => {
    let steps = 0
    for (let seed = 1; seed <= WALKS; seed++) {
      const dice = new Dice(seed * 7919)
      const chosen = anyPolicies(dice)
      const k = bootSmallWorld(chosen)
      const start = k.heap.arena.mark()
      const before = hashOf(k)
      let taken = 0
      let last: string[] = []
      for (let tries = 0; taken < STEPS_A_WALK && tries < 40 * STEPS_A_WALK; tries++) {
        const step = moveSomewhere(k, dice)
        if (step === undefined) continue
        taken += 1
        last = [...last.slice(-11), step]
        for (const law of laws) {
          const finding = law.broken(k)
          if (finding !== undefined)
            expect.fail(
              [
                `seed ${seed}, step ${taken}: ${law.name}: ${finding.says}`,
                JSON.stringify(chosen),
                ...last,
              ].join('\n'),
            )
        }
      }
      steps += taken
      k.heap.arena.undoTo(start)
      expect(hashOf(k), `seed ${seed}`).toEqual(before)
    }
    expect(steps).toBeGreaterThanOrEqual(200_000)
  }, 600_000)
})
