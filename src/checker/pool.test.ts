import { describe, expect, it } from 'vitest'
import { invariantsOf, type Operation } from '../machine'
import { scenarios } from '../scenarios'
import type { Scenario } from '../scenarios/scenario'
import { memberHere } from '../testing/members'
import { adds, operation, type Toy, takesBoth, toy, yields } from '../testing/toy-kernel'
import { Check, type Question, shardOf } from './check'
import { Hearing, Telling } from './dialect'
import { Pool } from './pool'
import { Search } from './search'
import { Shard } from './shard'
import { StateTable } from './state-table'

const named = (name: string): Scenario => {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(name)
  return scenario
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

function asked(name: string, question: Question): Check {
  const check = Check.of(named(name), question)
  if (typeof check === 'string') throw new Error(check)
  return check
}

function alone(name: string, question: Question): Check {
  const check = asked(name, question)
  check.advance(() => false)
  return check
}

async function together(name: string, question: Question, shards: number): Promise<Check> {
  const check = asked(name, question)
  check.advance(() => true)
  const threads = check.threadsToSplitBy(shards)
  const members = upTo(shards).map((self) => {
    const shard = shardOf(named(name), question, { self, shards, threads })
    if (typeof shard === 'string') throw new Error(shard)
    return memberHere(shard)
  })
  await check.share(members, { isOver: () => true, pause: async () => {} })
  return check
}

/** All that can be had from a check: the answer, and the shortest schedules to all that it found. */
function allOf(check: Check) {
  const answer = check.answer()
  const names = answer.properties.map((each) => each.name)
  const whats = [...names, ...answer.hangs.map(({ who }) => `hang ${who}`), 'livelock']
  return {
    answer,
    examples: whats.map((what) => check.example(what, 3)),
  }
}

const gup = 'gup-fast-vs-remove'
const leave = { removalZap: 'leave' }
const cases: readonly (readonly [string, Question])[] = [
  ...[1, 2, 3, 4].map((cpus) => [gup, { params: { cpus } }] as const),
  ...[1, 2, 3].map(
    (cpus) => [gup, { params: { cpus }, policies: leave, everything: true }] as const,
  ),
  [gup, { params: { cpus: 3 }, policies: leave }],
  [gup, { params: { cpus: 4 }, maxStates: 1000 }],
  ['the-driver-is-gone', {}],
  ['half-a-bar', { everything: true }],
  ['pks-global-hole', { everything: true }],
  ['hot-add-during-boot', { everything: true }],
  ['fork-races-a-pin', {}],
  ['a-scrub-of-dax', { maxStates: 1000 }],
]

describe('a search that is shared out', () => {
  it.each(cases)('has the answer of one alone: %s %j', async (name, question) => {
    const one = allOf(alone(name, question))
    for (const shards of [1, 2, 3])
      expect(allOf(await together(name, question, shards))).toEqual(one)
  })

  it.each([
    ['hang', [takesBoth(1, 2), takesBoth(2, 1), adds]],
    ['go round', [yields(1, 2), yields(2, 1), adds]],
  ] as const)(
    'has the same moves where threads %s and all hashes are alike',
    async (_, threads) => {
      const alike = () => {
        const k = toy(threads)
        // As if the hash saw next to nothing: enough to have states of both shards, and to mix up all of one.
        k.heap.arena.mix = (_salt, value) => {
          k.heap.arena.hashHi ^= (value & 1) << 6
        }
        return k
      }
      const one = new Search(toy(threads))
      while (one.advance(1));
      const search = await toyTogether(alike, 2)
      expect(search.graph.pack()).toEqual(one.graph.pack())
      expect(search.levels).toEqual(one.levels)
      for (const state of upTo(one.states))
        expect(search.schedule(state)).toEqual(one.schedule(state))
    },
  )

  it.each([1, 2, 3, 4, 5, 6])(
    'asks what a property looked at in another shard, %i states before',
    async (pauses) => {
      const fresh = () => toy([raisesAfter(pauses)], [bothUp])
      for (const shards of [2, 3]) {
        const { claims, depth } = await toyTogether(fresh, shards)
        expect(depth).toBe(pauses + 2)
        expect(claims.list[0]?.states).toEqual([depth])
      }
    },
  )
})

describe('what one table tells another', () => {
  it('is refused where a text has another word there', () => {
    const [one, other] = [toy([adds]), toy([adds])]
    // Two texts with one hash: which of them came first decides which word is whose.
    for (const text of ['costarring', 'liquid']) one.heap.arena.texts.word(text)
    const news = new Telling(new StateTable(one.heap)).news()
    new Hearing(new StateTable(other.heap)).hear(news)
    const third = toy([adds])
    third.heap.arena.texts.word('liquid')
    expect(() => new Hearing(new StateTable(third.heap)).hear(news)).toThrow(
      'has another word in another worker',
    )
  })
})

async function toyTogether(fresh: () => Toy, shards: number): Promise<Search<Toy>> {
  const search = new Search(fresh())
  const members = upTo(shards).map((self) => {
    const k = fresh()
    return memberHere(new Shard(k, new Map(), k.invariants, { self, shards, threads: [1] }))
  })
  const pool = new Pool(search, members)
  do while (!pool.isAhead(1)) await pool.next()
  while (search.advance(1))
  return search
}

/** Looks at the second word only where the first is up. */
const bothUp = invariantsOf<Toy>().always({
  name: 'bothUp',
  claim: 'The words are not both up.',
  sources: [],
  broken: (k) =>
    k.words.at(1).value === 1 && k.words.at(2).value === 1
      ? { table: 'words', id: 2, says: 'both are up' }
      : undefined,
})

/** Raises one word, does nothing for some steps, and raises the other. */
function raisesAfter(pauses: number): Operation<Toy> {
  const steps = upTo(pauses + 2).map((i) => [
    `step${i}`,
    {
      does: 'Raises a word, or nothing.',
      run(k: Toy, t: { done(): never }) {
        if (i === 0) k.words.at(1).value = 1
        if (i > pauses) k.words.at(2).value = 1
        return i > pauses ? t.done() : `step${i + 1}`
      },
    },
  ])
  return operation({
    name: 'raises',
    does: 'Raises.',
    source: { file: 'toy.c', fn: 'raises', version: '0' },
    leftOut: 'Nothing.',
    entry: 'step0',
    steps: Object.fromEntries(steps),
  })
}
