import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dump, int } from '../arena'
import { invariantsOf, type Operation } from '../machine'
import { scenarios } from '../scenarios'
import { adds, operation, type Toy, takesBoth, toy, yields } from '../testing/toy-kernel'
import { Check, type Question } from './check'
import { isConclusive } from './conclusive'
import { livelock } from './livelocks'
import { startOf } from './programs'
import { type Reductions, Search } from './search'
import { hangs } from './stuck'

const { always } = invariantsOf<Toy>()

/** One of the toy's threads, by what its steps do one after the other. */
const kinds = ['count', 'look', 'raise', 'lower', 'lock', 'unlock'] as const
type Doing = (typeof kinds)[number]

/** A call of such steps; `count` is the thread's own business. */
function does(name: string, doings: readonly Doing[]): Operation<Toy> {
  const next = (i: number) => (i + 1 < doings.length ? `s${i + 1}` : undefined)
  const steps = doings.map((doing, i) => [
    `s${i}`,
    {
      does: doing,
      ...(doing === 'lock'
        ? {
            when: {
              state: 'D' as const,
              ready: (k: Toy) => k.locks.at(1).by === 0,
              reason: () => 'waits for the lock',
              holders: (k: Toy) => [{ task: k.locks.at(1).by, until: 'call' as const }],
            },
          }
        : {}),
      run(k: Toy, t: { mine: number; task: { id: number }; done(): never }) {
        if (doing === 'count') t.mine += 1
        else if (doing === 'look') t.mine = k.words.at(1).value
        else if (doing === 'raise') k.words.at(1).value += 1
        else if (doing === 'lower') k.words.at(2).value = 0
        else k.locks.at(1).by = (doing === 'lock' ? t.task.id : 0) as never
        return next(i) ?? t.done()
      },
    },
  ])
  return operation({
    name,
    does: 'Does.',
    source: { file: 'toy.c', fn: name, version: '0' },
    leftOut: 'Nothing.',
    locals: { mine: int() },
    entry: 's0',
    steps: Object.fromEntries(steps),
  })
}

const atMost = (most: number) =>
  always({
    name: 'atMost',
    claim: 'The word is not more.',
    sources: [],
    broken: (k) =>
      k.words.at(1).value > most ? { table: 'words', id: 1, says: 'it is more' } : undefined,
  })

function searched(k: Toy, reductions?: Reductions): Search<Toy> {
  const search = new Search(k, new Map(), k.invariants, reductions)
  while (search.advance(1));
  return search
}

const threads = fc.array(fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 5 }), {
  minLength: 2,
  maxLength: 3,
})

const all = ['thread 1', 'thread 2', 'thread 3']
const started = (doings: readonly (readonly Doing[])[]) =>
  doings.map((each, i) => does(`does${i}`, each))

describe('a search that leaves orders out', () => {
  it.each([
    ['each thread’s own business first', { localFirst: true }],
    ['threads that are alike taken for each other', { identical: [all] }],
    ['both', { localFirst: true, identical: [all] }],
  ] as const)('concludes only what is so, with %s', (_, reductions) => {
    fc.assert(
      fc.property(threads, fc.integer({ min: 0, max: 3 }), fc.boolean(), (doings, most, alike) => {
        const same = does('same', doings[0] ?? ['count'])
        const operations = alike ? doings.map(() => same) : started(doings)
        const claims = [atMost(most)]
        const reduced = searched(toy(operations, claims), reductions)
        const plain = searched(toy(operations, claims))
        expect(reduced.states).toBeLessThanOrEqual(plain.states)
        const isBroken = plain.claims.list.some(({ states }) => states.length > 0)
        // Reduced or not, the first breakage is found; a broken lock may hang, or oneself be waited for.
        if (reduced.isSound)
          expect(reduced.claims.list.some(({ states }) => states.length > 0)).toBe(isBroken)
        if (!isConclusive(reduced)) return
        expect(isBroken).toBe(false)
        expect(hangs(plain)).toEqual([])
        expect(livelock(plain)).toBeUndefined()
      }),
      { numRuns: 150 },
    )
  })

  it('searches far less where most is the thread’s own business', () => {
    const busy = started(Array.from({ length: 3 }, () => ['count', 'count', 'raise', 'count']))
    const reduced = searched(toy(busy, [atMost(3)]), { localFirst: true })
    const plain = searched(toy(busy, [atMost(3)]))
    expect(isConclusive(reduced)).toBe(true)
    expect([plain.states, reduced.states]).toEqual([125, 28])
  })

  it('does not conclude where a property looks at what was taken to be a thread’s own business', () => {
    const peeks = always({
      name: 'peeks',
      claim: 'Nobody counts.',
      sources: [],
      broken: (k) =>
        k.machine.frames(1)[0]?.locals['mine'] === 99
          ? { table: 'tasks', id: 1, says: 'it is 99' }
          : undefined,
    })
    const busy = started([
      ['count', 'raise'],
      ['count', 'raise'],
    ])
    expect(isConclusive(searched(toy(busy, [peeks]), { localFirst: true }))).toBe(false)
    expect(isConclusive(searched(toy(busy, [atMost(2)]), { localFirst: true }))).toBe(true)
  })

  it('does not conclude where threads hang, or go round', () => {
    const crossed = toy([takesBoth(1, 2), takesBoth(2, 1)])
    expect(isConclusive(searched(crossed, { localFirst: true }))).toBe(false)
    expect(isConclusive(searched(toy([yields(1, 2), yields(2, 1)]), { localFirst: true }))).toBe(
      false,
    )
  })

  it('does not take threads for each other that are in different calls', () => {
    const search = searched(toy([adds, takesBoth(1, 2)]), { identical: [all] })
    expect(search.states).toBe(searched(toy([adds, takesBoth(1, 2)])).states)
  })
})

describe('the model of gup-fast, with its CPUs taken for each other', () => {
  const scenario = scenarios.find(({ name }) => name === 'gup-fast-vs-remove')

  function answer(question: Question) {
    const check = scenario && Check.of(scenario, question)
    if (check === undefined || typeof check === 'string') throw new Error(check)
    check.advance(() => false)
    return { ...check.answer(), example: check.example('removeDoneMeansUnheld') }
  }

  it.each([
    [1, 25, 25],
    [2, 171, 98],
    [3, 1225, 298],
    [4, 8979, 765],
    [5, 66_625, 1737],
  ])('%i CPUs: holds in %i states, and in %i', (cpus, states, fewer) => {
    const params = { cpus }
    const plain = answer({ params })
    const reduced = answer({ params, reduce: ['symmetry'] })
    expect([plain.verdict, plain.states, plain.isReduced]).toEqual(['holds', states, false])
    expect([reduced.verdict, reduced.states, reduced.isReduced]).toEqual(['holds', fewer, cpus > 1])
    expect(reduced.properties).toEqual(plain.properties)
  })

  it('has a state for every set of what the CPUs are in', () => {
    const start = scenario && startOf(scenario, { params: { cpus: 3 } })
    if (start === undefined || typeof start === 'string') throw new Error(start)
    const { kernel } = start
    const search = new Search(kernel)
    while (search.advance(100));
    const sets = new Set<string>()
    for (let state = 0; state < search.states; state++) {
      search.table.load(state)
      const lines = dump(kernel.heap).split('\n')
      const isTask = (line: string) => /^tasks\[[1-3]\]/.test(line)
      const stacks = [1, 2, 3].map((task) =>
        JSON.stringify(
          kernel.machine.frames(task).map(({ step, locals, ret }) => [step.name, locals, ret]),
        ),
      )
      const tasks = lines
        .filter(isTask)
        .map((line, i) => line.replace(/\d/, '').replace(/cpu\d/, '') + stacks[i])
      sets.add(
        [
          ...lines.filter((line) => !isTask(line)),
          ...tasks.sort(),
          kernel.machine.stepName(4),
        ].join('\n'),
      )
    }
    expect(sets.size).toBe(298)
  })

  it('breaks in as many steps, by the same schedule', () => {
    const leave = { policies: { removalZap: 'leave' }, params: { cpus: 3 } }
    expect(answer({ ...leave, reduce: ['symmetry', 'localFirst'] })).toEqual(answer(leave))
  })
})

describe('library scenarios, with each thread’s own business first', () => {
  it.each([
    'mprotect-under-dma',
    'umount-while-pinned',
    'swapped-under-io',
    'fork-races-a-pin',
    'the-driver-is-gone',
    'pks-nested-exception',
  ])('have the same verdicts and lengths: %s', (name) => {
    const scenario = scenarios.find((each) => each.name === name)
    const answered = (question: Question) => {
      const check = scenario && Check.of(scenario, question)
      if (check === undefined || typeof check === 'string') throw new Error(check)
      check.advance(() => false)
      const { verdict, properties, hangs: hung, livelock: circle } = check.answer()
      return { verdict, properties, hung, circle }
    }
    for (const everything of [true, false])
      expect(answered({ everything, reduce: ['localFirst'] })).toEqual(answered({ everything }))
  })
})
