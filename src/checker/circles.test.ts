import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { circlesOf, fairRound, isFair } from './circles'
import { Graph } from './graph'
import { ENDS, INSIDE, type Kind } from './moves'

/** A graph whose states have these targets, by steps inside calls. */
function graphOf(targets: readonly (readonly number[])[]): Graph {
  const graph = new Graph()
  for (const each of targets) {
    for (const target of each) graph.add(target, 1, INSIDE)
    graph.close()
  }
  return graph
}

/** The states that each state can reach, in any number of moves from one up. */
function reach(targets: readonly (readonly number[])[]): ReadonlySet<number>[] {
  return targets.map((each) => {
    const seen = new Set(each)
    for (const state of seen) for (const next of targets[state] ?? []) seen.add(next)
    return seen
  })
}

describe('the circles of a graph', () => {
  it('are its sets of states that reach each other, the nearest state first', () => {
    const anyGraph = fc.integer({ min: 1, max: 8 }).chain((size) =>
      fc.array(fc.array(fc.nat(size - 1), { maxLength: 3 }), {
        minLength: size,
        maxLength: size,
      }),
    )
    fc.assert(
      fc.property(anyGraph, (targets) => {
        const reached = reach(targets)
        const expected = targets.flatMap((_, state) => {
          const circle = [...targets.keys()].filter(
            (other) => reached[state]?.has(other) && reached[other]?.has(state),
          )
          return circle[0] === state ? [circle] : []
        })
        expect(circlesOf(graphOf(targets)).sort(([a = 0], [b = 0]) => a - b)).toEqual(expected)
      }),
    )
  })

  it('may have hundreds of thousands of states', () => {
    const size = 300_000
    const ring = Array.from({ length: size }, (_, state) => [(state + 1) % size])
    const [circle] = circlesOf(graphOf(ring))
    expect(circle).toHaveLength(size)
    expect(circle?.[0]).toBe(0)
  })

  it('are not gone round by moves that end a call', () => {
    const graph = new Graph()
    graph.add(0, 1, ENDS)
    graph.close()
    expect(circlesOf(graph)).toEqual([])
  })
})

/** Moves of up to three threads: where each leads, whose it is, and what it does to the call. */
const anyMoves = fc
  .integer({ min: 1, max: 7 })
  .chain((size) =>
    fc.array(
      fc.array(
        fc.tuple(
          fc.nat(size - 1),
          fc.integer({ min: 1, max: 3 }),
          fc.constantFrom<Kind>(INSIDE, ENDS),
        ),
        { maxLength: 4 },
      ),
      { minLength: size, maxLength: size },
    ),
  )

describe('a way round of a fair circle', () => {
  it('comes back to where it began, and keeps no thread from a step that it could always take', () => {
    let rounds = 0
    fc.assert(
      fc.property(anyMoves, (states) => {
        const graph = new Graph()
        for (const moves of states) {
          for (const move of moves) graph.add(...move)
          graph.close()
        }
        for (const circle of circlesOf(graph).filter((each) => isFair(graph, each))) {
          const start = circle[0] as number
          const round = fairRound(graph, circle, start)
          rounds += 1
          expect(round.map((move) => graph.source(move))).toEqual([
            start,
            ...round.slice(0, -1).map((move) => graph.target(move)),
          ])
          expect(graph.target(round.at(-1) as number)).toBe(start)
          expect(round.every((move) => graph.kind(move) === INSIDE)).toBe(true)
          const passed = round.map((move) => states[graph.source(move)] ?? [])
          for (const task of [1, 2, 3]) {
            const isAlwaysAble = passed.every((moves) => moves.some((move) => move[1] === task))
            if (isAlwaysAble) expect(round.map((move) => graph.task(move))).toContain(task)
          }
        }
      }),
      { numRuns: 500 },
    )
    expect(rounds).toBeGreaterThan(100)
  })

  it('is longer than the shortest one where that would starve somebody', () => {
    const graph = new Graph()
    graph.add(0, 1, INSIDE)
    graph.add(1, 2, INSIDE)
    graph.close()
    graph.add(0, 2, INSIDE)
    graph.close()
    const round = fairRound(graph, [0, 1], 0)
    expect(round.map((move) => graph.task(move))).toEqual([2, 2])
  })
})
