import { describe, expect, it } from 'vitest'
import { pack } from '../../arena'
import { truncateReturns } from '../../linux/invariants/truncate-returns'
import type { Kernel } from '../../linux/kernel'
import type { Call } from '../../machine'
import { takes, truncates } from '../../testing/dax-calls'
import { calls } from '../../testing/explored'
import { bootF1, type TruncateKernel } from '../../testing/truncate-kernel'
import type { Programs } from '../moves'
import { Search } from '../search'

/** Calls of B in one round: the other page, and this one let go; and the same the other way round. */
const PERIOD = 4

/** B streams into its mapping of F1: the next page is pinned before the last one is let go. */
function streams(k: TruncateKernel): readonly Call<Kernel>[] {
  const pin = (page: number) => takes(k, 'B', 'PIN', { page })
  const unpin = (page: number) =>
    calls('unpin_user_pages', ({ pinHandles }) => ({
      handle: pinHandles.find(({ start, got }) => start === k.vpn('B') + page && got > 0)?.id ?? 0,
    }))
  const round = [pin(1), unpin(0), pin(0), unpin(1)]
  return [pin(0), ...round, ...round]
}

function search(preset: string, daxTruncate: string): Search<Kernel> {
  const k = bootF1(preset, { pages: 2, mappers: ['A', 'B'], policies: { daxTruncate } })
  const threads: Programs<Kernel> = new Map([
    ['B', streams(k)],
    ['T', [truncates]],
  ])
  const found = new Search(k.kernel, threads, [truncateReturns])
  while (found.advance(1000));
  return found
}

/** A state without how often B has gone round: two that are equal here differ in nothing else. */
function contents({ kernel, table }: Search<Kernel>, state: number): string {
  table.load(state)
  const b = kernel.tasks.find(({ name }) => name === 'B')
  if (b !== undefined && b.calls > 0) b.calls = 1 + ((b.calls - 1) % PERIOD)
  return pack(kernel.heap.arena).join(' ')
}

const taskOf = ({ kernel }: Search<Kernel>, name: string): number =>
  kernel.tasks.find((task) => task.name === name)?.id ?? 0

/** The states, in the order of their numbers, in which T sleeps until a page is idle. */
function asleep(found: Search<Kernel>): number[] {
  const { kernel, table } = found
  const t = taskOf(found, 'T')
  return Array.from({ length: found.states }, (_, state) => state).filter((state) => {
    table.load(state)
    return kernel.machine.stepName(t) === 'xfs_break_layouts.sleep' && !kernel.machine.canStep(t)
  })
}

/** A shortest way from one state to another on which T takes a step. */
function wayWith({ graph }: Search<Kernel>, t: number, from: number, to: number) {
  const lengths = new Map([[from, 0]])
  const key = (state: number, moved: boolean) => (moved ? -1 - state : state)
  for (const [at, length] of lengths) {
    const moved = at < 0
    const state = moved ? -1 - at : at
    if (moved && state === to) return length
    for (let move = graph.first(state); move < graph.end(state); move++) {
      const next = key(graph.target(move), moved || graph.task(move) === t)
      if (!lengths.has(next)) lengths.set(next, length + 1)
    }
  }
  return undefined
}

/** Steps of a round that ends in the state it began in, T asleep in both, and awake between; none: undefined. */
function endlessRound(found: Search<Kernel>): number | undefined {
  const t = taskOf(found, 'T')
  const before = new Map<string, number>()
  const rounds: number[] = []
  for (const state of asleep(found)) {
    const same = contents(found, state)
    const first = before.get(same)
    if (first === undefined) before.set(same, state)
    else rounds.push(wayWith(found, t, first, state) ?? Number.POSITIVE_INFINITY)
  }
  return rounds.length === 0 ? undefined : Math.min(...rounds)
}

describe('W10: a stream of short pins against truncate', () => {
  it('can go round for ever: the same state comes again, in which truncate sleeps (L2)', () => {
    const found = search('v6.12', 'wait')
    expect(found.states).toBe(2377)
    expect(endlessRound(found)).toBe(74)
  })

  it('is over when the stream is: no single wait is without an end', () => {
    const found = search('v6.12', 'wait')
    expect(found.claims.list[0]?.states).toEqual([])
  })

  it.each(['fail', 'remap'])('cannot hold truncate up under %s', (daxTruncate) => {
    expect(endlessRound(search('v4.14', daxTruncate))).toBeUndefined()
  })
})
