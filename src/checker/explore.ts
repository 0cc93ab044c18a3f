import type { AnyKernel, Finding, Steppable } from '../machine'
import type { Programs } from './moves'
import { Search } from './search'

/** The first `always` property that broke, in breadth-first order. */
interface Broken {
  readonly property: string
  readonly finding: Finding
  /** Steps of a shortest schedule to it. */
  readonly depth: number
}

/** What exploring found. */
export interface Explored {
  readonly states: number
  readonly transitions: number
  /** Steps to the states that are farthest away. */
  readonly depth: number
  readonly broken: Broken | undefined
  /** False where `maxStates` stopped the search. */
  readonly complete: boolean
}

/**
 * Explores every interleaving from the kernel's state, and leaves the kernel in that state with an
 * empty journal. Without programs what is explored is what the tasks are already in.
 */
export function explore<K extends AnyKernel & Steppable<K>>(
  kernel: K,
  maxStates = Number.MAX_SAFE_INTEGER,
  programs?: Programs<K>,
): Explored {
  const search = new Search(kernel, programs)
  while (search.states < maxStates && search.advance(1));
  const { states, transitions, depth, isComplete } = search
  const complete = isComplete
  search.play([])
  return { states, transitions, depth, broken: firstBroken(search), complete }
}

/** The property that broke first; of those that broke in one state, the first of the list. */
function firstBroken<K extends AnyKernel & Steppable<K>>(search: Search<K>): Broken | undefined {
  let first: { broken: Broken; state: number } | undefined
  for (const { invariant, finding, states } of search.claims.list) {
    const [state] = states
    if (invariant.kind !== 'always' || finding === undefined || state === undefined) continue
    if (first !== undefined && first.state <= state) continue
    const depth = search.levelOf(state)
    first = { state, broken: { property: invariant.name, finding, depth } }
  }
  return first?.broken
}
