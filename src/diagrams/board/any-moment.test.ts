import { describe, expect, it } from 'vitest'
import { exclusiveDiscipline } from '../../linux/invariants/exclusive-discipline'
import { memoryInvariants } from '../../linux/invariants/families/memory'
import { frozenIsLocked } from '../../linux/invariants/frozen-is-locked'
import { gupFastSeesFork } from '../../linux/invariants/gup-fast-sees-fork'
import { pinnedMeansExclusive } from '../../linux/invariants/pinned-means-exclusive'
import { softDirtyComplete } from '../../linux/invariants/soft-dirty-complete'
import { presets } from '../../linux/presets'
import { bootSmallWorld, Dice, moveSomewhere } from '../../testing/random-walk'
import { cardText } from '../shared/cards'
import { selectBoard } from './select'

/** What 6.12 keeps whatever happens, besides the book-keeping that the engine’s own walk checks. */
const keptBy612 = [
  exclusiveDiscipline,
  pinnedMeansExclusive,
  gupFastSeesFork,
  softDirtyComplete,
  frozenIsLocked,
]

describe('at any moment of any schedule', () => {
  it.each(presets.map(({ name, policies }) => [name, policies] as const))(
    'under %s every property has an answer, every wait a reason, and the board a picture',
    (name, policies) => {
      for (let seed = 1; seed <= 6; seed++) {
        const dice = new Dice(seed * 31337)
        const k = bootSmallWorld(policies)
        for (let steps = 0; steps < 400; steps++) {
          moveSomewhere(k, dice)
          const found = memoryInvariants.map((each) => each.kind === 'always' && each.broken(k))
          for (const finding of found) if (finding) expect(finding.says).toMatch(/.{10,}/)
          for (const { id } of k.tasks.rows()) {
            const waiting = k.machine.isIdle(id) ? undefined : k.machine.waiting(id)
            if (waiting !== undefined) expect(waiting.reason).toMatch(/^(waits|spins|sleeps)/)
          }
          if (steps % 20 !== 0) continue
          const cards = selectBoard(k, [], [], 0).lanes.flatMap((lane) => lane.cards)
          for (const card of cards) expect(cardText(card)).not.toMatch(/undefined|NaN/)
        }
        if (name === 'v6.12')
          expect(keptBy612.map((each) => each.kind === 'always' && each.broken(k)?.says)).toEqual(
            keptBy612.map(() => undefined),
          )
      }
    },
  )
})
