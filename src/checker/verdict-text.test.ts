import { describe, expect, it } from 'vitest'
import { verdictText } from './verdict-text'
import type { Verdict } from './verdicts'

const plain: Verdict = {
  kernels: ['v6.12'],
  verdict: 'holds',
  states: 10,
  transitions: 20,
  depth: 5,
  isComplete: true,
  broken: {},
  shown: {},
  notApplicable: [],
  hangs: {},
  livelock: null,
}

describe('a verdict in a few words', () => {
  it.each<[Partial<Verdict>, string]>([
    [{}, 'holds'],
    [{ verdict: 'broken', broken: { noStalePte: 19 } }, 'broken: noStalePte 19'],
    [{ shown: { truncateWaits: 7 } }, 'holds: shows truncateWaits 7'],
    [{ verdict: 'hang', hangs: { rm: 23 }, livelock: 30 }, 'can hang: rm hangs 23, livelock 30'],
    [
      { verdict: 'broken', broken: { noStalePte: 0 }, hangs: { rm: 0 }, livelock: 0 },
      'broken: noStalePte from the start, rm hangs from the start, livelock from the start',
    ],
    [{ shown: { truncateWaits: 0 } }, 'holds: shows truncateWaits from the start'],
    [{ verdict: 'limit', isComplete: false }, 'open, stopped at the limit'],
    [
      { verdict: 'broken', broken: { noStalePte: 19 }, isComplete: false },
      'broken, stopped at the limit: noStalePte 19',
    ],
  ])('says of %j: %s', (found, text) => {
    expect(verdictText({ ...plain, ...found })).toBe(text)
  })
})
