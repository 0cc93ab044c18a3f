import { expect, it } from 'vitest'
import type { Kernel } from '../linux/kernel'
import type { Invariant } from '../machine'
import { explored, searchOf, type ThreadCalls } from './explored'
import { type Mistake, withMistake } from './mutate'

type Booted = { readonly kernel: Kernel }

/** One mistake in the engine, and a machine in which a search of every interleaving finds it. */
export interface SeededBug<K extends Booted> extends Mistake {
  /** What the tests are listed under: a part of the kernel, or a property of a sheet. */
  readonly label: string
  readonly breaks: Invariant<Kernel>
  readonly boot: () => K
  readonly threads: (k: K) => ThreadCalls
  /** States of the machine without the mistake, unless they are counted where the machine is. */
  readonly states?: number
  /** Length of a shortest schedule that breaks it, with the mistake. */
  readonly length: number
}

/** The length of a shortest schedule that breaks the property; the search goes no farther: a kernel with a mistake may crash. */
function shortest<K extends Booted>(bug: SeededBug<K>): number | undefined {
  const k = bug.boot()
  const search = searchOf(k.kernel, bug.threads(k), [bug.breaks])
  const states = search.claims.list[0]?.states ?? []
  while (states.length === 0 && search.advance(1));
  const [first] = states
  return first === undefined ? undefined : search.levelOf(first)
}

/** Tests that each is found by a search, at this length, and that nothing is found without it. */
export function findsEach<K extends Booted>(bugs: readonly SeededBug<K>[]): void {
  it.each(bugs)('$label: $breaks.name holds in every state', (bug) => {
    const k = bug.boot()
    const { states, broken } = explored(k.kernel, bug.threads(k), [bug.breaks])
    expect({ states, broken }).toEqual({ states: bug.states ?? states, broken: {} })
  })

  it.each(bugs)('$label: $breaks.name breaks in $length steps where $mistake', (bug) => {
    expect(withMistake(bug, () => shortest(bug))).toBe(bug.length)
  })
}
