import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Graph } from './graph'
import { circlesOf } from './livelocks'
import { ENDS, INSIDE } from './moves'

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
