import { describe, expect, it } from 'vitest'
import type { Kernel } from '../linux/kernel'
import type { Finding, Invariant } from '../machine'
import { scenarios } from '../scenarios'
import { startOf } from './programs'
import { Search } from './search'

function searched(name: string): Search<Kernel> {
  const scenario = scenarios.find((each) => each.name === name)
  const start = scenario && startOf(scenario, {})
  if (start === undefined || typeof start === 'string') throw new Error(start)
  const search = new Search(start.kernel, start.programs)
  while (search.advance(1000));
  return search
}

const ask = (k: Kernel, property: Invariant<Kernel>): Finding | undefined =>
  property.kind === 'always' ? property.broken(k) : property.shown(k)

/** What every property says in every state: of each, the nearest states that it says anything of, and what of the first. */
function asked({ table, kernel, levels, states }: Search<Kernel>) {
  const said = kernel.invariants.map(() => ({
    finding: undefined as Finding | undefined,
    states: [] as number[],
  }))
  for (let state = 0, level = 0; state < states; state++) {
    table.load(state)
    if (state === levels[level + 1]) level += 1
    kernel.invariants.forEach((property, i) => {
      const of = said[i] as (typeof said)[number]
      const finding = ask(kernel, property)
      if (finding === undefined || (of.states[0] ?? states) < (levels[level] as number)) return
      of.finding ??= finding
      of.states.push(state)
    })
  }
  return said
}

/** The moves of a state, made there: where each leads, and what it did to its thread's call. */
function moved({ table, kernel, moves }: Search<Kernel>, state: number) {
  const found: { to: number; task: number; kind: number }[] = []
  table.load(state)
  for (const task of moves.threads)
    if (kernel.tasks.isLive(task))
      moves.of(task, (_, kind) => {
        found.push({ to: table.follow(state, table.difference()), task, kind })
      })
  return found
}

const small = [
  'gup-fast-vs-remove',
  'a-fault-slips-through',
  'unlink-while-pinned',
  'umount-while-pinned',
  'a-page-on-the-gpu',
  'cxl-surprise-removal',
  'hwpoison-anon',
  'vmsplice-leak',
  'fork-races-a-pin',
  'the-identical-entry',
  'half-a-bar',
  'hot-add-during-boot',
  'imx6-cannot-boot',
  'pks-global-hole',
  'pks-wrong-conversion',
  'pks-nested-exception',
]

describe('what a search remembers of states that agree in all that was looked at', () => {
  it.each(small)('is in %s what each property says when it is asked in every state', (name) => {
    const search = searched(name)
    const found = search.claims.list.map(({ finding, states }) => ({ finding, states }))
    expect(found).toEqual(asked(search))
  })

  it.each(small)('is in %s where each move leads when it is made in every state', (name) => {
    const search = searched(name)
    const { graph, states } = search
    for (let state = 0; state < states; state++) {
      const length = graph.end(state) - graph.first(state)
      const known = Array.from({ length }, (_, i) => {
        const move = graph.first(state) + i
        return { to: graph.target(move), task: graph.task(move), kind: graph.kind(move) }
      })
      expect(moved(search, state)).toEqual(known)
    }
    expect(search.states).toBe(states)
  })
})
