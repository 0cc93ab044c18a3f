import { describe, expect, it } from 'vitest'
import { at, both, deadlock, ending, type Holder, type Wait, waitEdges } from '.'

type Until = Holder['until']

/** Tasks by number, each with whom it waits for; 0 is something that is no task. */
function waiters(edges: Readonly<Record<number, readonly (number | readonly [number, Until])[]>>) {
  const holders = (task: number): Holder[] =>
    (edges[task] ?? []).map((each) =>
      typeof each === 'number' ? { task: each, until: 'call' } : { task: each[0], until: each[1] },
    )
  const isWaiting = (task: number) => waiting(task) !== undefined
  const waiting = (task: number) =>
    edges[task] && {
      reason: `waits as ${task}`,
      state: 'D' as const,
      interruptible: false,
      holders: holders(task),
    }
  const tasks = {
    capacity: 6,
    isLive: (id: number) => id !== 6,
    at: () => {
      throw new Error('not asked')
    },
  }
  return { tasks, machine: { isWaiting, waiting, holders } }
}

describe('the wait-for graph', () => {
  it('has an entry for each task that waits, with its holders, its state and its sentence', () => {
    const edges = waitEdges(waiters({ 2: [1, 3] }))
    expect(edges).toEqual([
      {
        waiter: 2,
        reason: 'waits as 2',
        state: 'D',
        interruptible: false,
        holders: [
          { task: 1, until: 'call' },
          { task: 3, until: 'call' },
        ],
      },
    ])
  })

  it.each([
    ['nobody waits', {}, undefined],
    ['a chain ends at a task that runs', { 1: [2], 2: [3] }, undefined],
    ['two ways lead to the same task', { 1: [2, 3], 2: [4], 3: [4] }, undefined],
    ['two tasks wait for each other', { 2: [4], 4: [2] }, [2, 4]],
    ['a task waits for itself', { 3: [3] }, [3]],
    ['a tail leads into the circle', { 1: [2], 2: [3], 3: [4], 4: [2] }, [2, 3, 4]],
    ['only the second holder closes it', { 1: [5, 2], 2: [1] }, [1, 2]],
    ['a device lets go of the last link by itself', { 1: [2], 2: [[1, 'hardware']] }, undefined],
    ['the owner of the last link would have to act', { 1: [2], 2: [[1, 'owner']] }, [1, 2]],
  ] as const)('where %s has the circle %j → %j', (_, edges, circle) => {
    expect(deadlock(waiters(edges))).toEqual(circle)
  })

  it.each([
    ['of a task that runs', {}, undefined],
    ['where the holder runs', { 1: [2] }, undefined],
    ['where a device lets go', { 1: [[0, 'hardware']] }, undefined],
    ['where nobody has it', { 1: [] }, 'nobody'],
    ['where the holder waits for what nobody has', { 1: [2], 2: [] }, 'nobody'],
    ['in a circle', { 1: [2], 2: [1] }, 'circle'],
    [
      'at somebody who keeps it as long as he likes',
      { 1: [2], 2: [[3, 'owner']] },
      { task: 3, until: 'owner' },
    ],
  ] as const)('sees the end %s: %j → %j', (_, edges, expected) => {
    expect(ending(waiters(edges), 1)).toEqual(expected)
  })
})

describe('a wait that is made of others', () => {
  interface Lock {
    readonly by: number
  }
  const free: Wait<null, Lock> = {
    state: 'D',
    ready: (_k, t) => t.by === 0,
    reason: (_k, t) => `${t.by} has it`,
    holders: (_k, t) => [{ task: t.by, until: 'call' }],
  }
  const seen = <F>(wait: Wait<null, F>, t: F) => [
    wait.ready(null, t),
    wait.reason(null, t),
    wait.holders(null, t).map(({ task }) => task),
  ]

  it('asks about the thing that it finds, and waits for nothing where there is none', () => {
    const wait = at(free, (_k: null, t: { readonly lock?: Lock }) => t.lock)
    expect(seen(wait, { lock: { by: 3 } })).toEqual([false, '3 has it', [3]])
    expect(seen(wait, {})).toEqual([true, '', []])
    expect(wait.state).toBe('D')
  })

  it('asks the thing how the thread waits, where that is not always the same', () => {
    const holding: Wait<null, Lock> = { ...free, state: (_k, t) => (t.by === 1 ? 'X' : 'S') }
    const { state } = at(holding, (_k: null, t: { readonly lock?: Lock }) => t.lock)
    const seenAs = (t: { lock?: Lock }) => (typeof state === 'string' ? state : state(null, t))
    expect([seenAs({ lock: { by: 1 } }), seenAs({ lock: { by: 2 } })]).toEqual(['X', 'S'])
  })

  it('takes one after the other, and names who has the one that is missing', () => {
    const other = at(free, (_k: null, t: { readonly other: number }) => ({ by: t.other }))
    const wait = both(free, other)
    expect(seen(wait, { by: 1, other: 2 })).toEqual([false, '1 has it', [1]])
    expect(seen(wait, { by: 0, other: 2 })).toEqual([false, '2 has it', [2]])
    expect(wait.ready(null, { by: 0, other: 0 })).toBe(true)
  })
})
