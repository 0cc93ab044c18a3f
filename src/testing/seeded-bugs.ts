import { expect, it } from 'vitest'
import { Search } from '../checker/search'
import type { Kernel } from '../linux/kernel'
import type { Invariant } from '../machine'
import type { ThreadCalls } from './dax-calls'
import { explored } from './explored'
import { type Mutable, type Mutant, withMutation } from './mutate'
import type { TestKernel } from './test-kernel'

/** One mistake in the engine, and a machine in which a search of every interleaving finds it. */
export interface SeededBug<K extends TestKernel> {
  readonly subsystem: string
  readonly mistake: string
  readonly operation: Mutable
  readonly step: string
  readonly mutant: Mutant
  readonly breaks: Invariant<Kernel>
  readonly boot: () => K
  readonly threads: (k: K) => ThreadCalls
  /** States of the machine without the mistake, none of which breaks the property. */
  readonly states: number
  /** Length of a shortest schedule that breaks it, with the mistake. */
  readonly steps: number
}

type Machine<K extends TestKernel> = Pick<SeededBug<K>, 'boot' | 'threads' | 'breaks'>

/** The length of a shortest schedule that breaks the property; the search goes no farther: a kernel with a mistake may crash. */
function shortest<K extends TestKernel>({ boot, threads, breaks }: Machine<K>): number | undefined {
  const k = boot()
  const search = new Search(k.kernel, new Map(Object.entries(threads(k))), [breaks])
  const states = search.claims.list[0]?.states ?? []
  while (states.length === 0 && search.advance(1));
  const [first] = states
  return first === undefined ? undefined : search.levelOf(first)
}

/** Tests that each is found by a search, at this length, and that nothing is found without it. */
export function findsEach<K extends TestKernel>(bugs: readonly SeededBug<K>[]): void {
  it.each(bugs)('$subsystem: $breaks.name holds in all $states states', (bug) => {
    const k = bug.boot()
    const { states, broken } = explored(k.kernel, bug.threads(k), [bug.breaks])
    expect({ states, broken }).toEqual({ states: bug.states, broken: {} })
  })

  it.each(bugs)('$subsystem $mistake: $breaks.name breaks in $steps steps', (bug) => {
    const { operation, step, mutant } = bug
    expect(withMutation(operation, step, mutant, () => shortest(bug))).toBe(bug.steps)
  })
}
