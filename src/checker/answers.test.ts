import { describe, expect, it } from 'vitest'
import { type Always, invariantsOf } from '../machine'
import { adds, operation, spins, type Toy, takesBoth, toy, yields } from '../testing/toy-kernel'
import { livelock } from './livelocks'
import { Search } from './search'
import { shortest } from './shortest'
import { hangs } from './stuck'

const { always, sometimes } = invariantsOf<Toy>()
const about = { claim: 'A claim.', sources: [] }
const isDone = (k: Toy) => k.tasks.rows().every(({ depth }) => depth === 0)

const noneIsLost: Always<Toy> = always({
  ...about,
  name: 'noneIsLost',
  broken(k) {
    const { value } = k.words.at(1)
    const wanted = k.tasks.rows().length
    if (!isDone(k) || value === wanted) return undefined
    return { table: 'words', id: 1, says: `${value} of ${wanted}` }
  },
})

function searched(k: Toy): Search<Toy> {
  const search = new Search(k)
  while (search.advance(1));
  return search
}

/** Every schedule to the first moments at which a property is broken, by trying all of them. */
function bruteForce(k: Toy, property: Always<Toy>, length: number): number[] {
  const switches: number[] = []
  const go = (path: readonly number[]): void => {
    if (property.broken(k) !== undefined) {
      if (path.length === length)
        switches.push(path.filter((task, i) => i > 0 && task !== path[i - 1]).length)
      return
    }
    if (path.length === length) return
    for (const { id } of k.tasks.rows()) {
      if (!k.machine.canStep(id)) continue
      const mark = k.heap.arena.mark()
      k.machine.step(id)
      go([...path, id])
      k.heap.arena.undoTo(mark)
    }
  }
  go([])
  return switches.sort((a, b) => a - b)
}

describe('the shortest schedules', () => {
  it('are all there, those with the fewest switches of threads first', () => {
    for (const threads of [2, 3]) {
      const started = Array.from({ length: threads }, () => adds)
      const search = searched(toy(started, [noneIsLost]))
      const { states } = search.claims.list[0] ?? { states: [] }
      const { count, schedules } = shortest(search, states, 1000)
      const expected = bruteForce(toy(started, [noneIsLost]), noneIsLost, 2 * threads)
      expect(count).toBe(expected.length)
      expect(schedules.map(({ switches }) => switches)).toEqual(expected)
      const texts = schedules.map(({ choices }) => choices.map(({ task }) => task).join(''))
      expect(new Set(texts).size).toBe(count)
    }
  })

  it('to a property that is broken from the start have no step', () => {
    const never = always({
      ...about,
      name: 'never',
      broken: () => ({ table: 'words', id: 1, says: 'never' }),
    })
    const search = searched(toy([adds], [never]))
    expect(search.claims.list[0]?.states).toEqual([0])
    expect(shortest(search, [0], 3)).toEqual({
      count: 1,
      schedules: [{ choices: [], switches: 0 }],
    })
  })

  it('show a property that must be reachable', () => {
    const twice = sometimes({
      ...about,
      name: 'twice',
      shown: (k) =>
        k.words.at(1).value === 2 ? { table: 'words', id: 1, says: 'it is 2' } : undefined,
    })
    const search = searched(toy([adds, adds], [twice]))
    const { states } = search.claims.list[0] ?? { states: [] }
    expect(search.levelOf(states[0] ?? -1)).toBe(4)
    expect(shortest(search, states, 9).schedules.map(({ switches }) => switches)).toEqual([1, 1])
  })
})

describe('a thread that can never finish', () => {
  it('is found where two take two locks in opposite orders, with who waits for whom', () => {
    const found = hangs(searched(toy([takesBoth(1, 2), takesBoth(2, 1)])))
    expect(found.map(({ who, because }) => [who, because])).toEqual([
      ['thread 1', 'circle'],
      ['thread 2', 'circle'],
    ])
    expect(found[0]?.chain).toEqual([
      { who: 'thread 1', reason: 'waits for lock 2', state: 'D', for: ['thread 2'] },
      { who: 'thread 2', reason: 'waits for lock 1', state: 'D', for: ['thread 1'] },
    ])
  })

  it('is found at the nearest state where it waits and nobody can help', () => {
    const search = searched(toy([takesBoth(1, 2), takesBoth(2, 1)]))
    expect(hangs(search).map(({ state }) => search.levelOf(state))).toEqual([2, 2])
  })

  it('is told to wait for nobody, where nobody has what it waits for', () => {
    const lost = operation({
      name: 'lost',
      does: 'Waits.',
      source: { file: 'toy.c', fn: 'toy', version: '0' },
      leftOut: 'Nothing.',
      entry: 'wait',
      steps: {
        wait: {
          does: 'Wait for what nobody does.',
          when: { state: 'D', ready: () => false, reason: () => 'waits', holders: () => [] },
          run: (_k, t) => t.done(),
        },
      },
    })
    const [found] = hangs(searched(toy([lost])))
    expect(found?.because).toBe('nobody')
    expect(found?.chain).toEqual([
      { who: 'thread 1', reason: 'waits', state: 'D', for: ['nobody who could end it'] },
    ])
  })

  it('is not where all take them in one order', () => {
    expect(hangs(searched(toy([takesBoth(1, 2), takesBoth(1, 2), takesBoth(1, 2)])))).toEqual([])
  })

  it('is not concluded from a search that was stopped', () => {
    const search = new Search(toy([takesBoth(1, 2), takesBoth(2, 1)]))
    search.advance(2)
    expect(search.isComplete).toBe(false)
    expect(hangs(search)).toEqual([])
  })
})

describe('threads that go round for ever', () => {
  it('are found where two yield to each other', () => {
    const search = searched(toy([yields(1, 2), yields(2, 1)]))
    const found = livelock(search)
    expect(found?.tasks).toEqual([1, 2])
    const k = search.kernel
    search.table.load(found?.state ?? 0)
    const { hash } = k.heap.arena
    for (const { task } of found?.round ?? []) k.machine.step(task)
    expect(found?.round.length).toBeGreaterThan(0)
    expect(k.heap.arena.hash).toBe(hash)
  })

  it('are not those that look for what another can do any moment', () => {
    expect(livelock(searched(toy([spins, adds])))).toBeUndefined()
  })

  it('are those that look for what nobody does', () => {
    const search = searched(toy([spins]))
    expect(livelock(search)).toMatchObject({ tasks: [1], state: 0 })
  })

  it('are not where every circle has an end', () => {
    expect(livelock(searched(toy([takesBoth(1, 2), takesBoth(2, 1)])))).toBeUndefined()
  })
})
