import type { Kernel } from '../linux/kernel'
import type { Invariant } from '../machine'
import { verdictOf } from './dax-labels'
import { explored, type ThreadCalls } from './explored'
import type { TestKernel } from './test-kernel'

/**
 * An example of the DAX sheet without its schedule. `on`: the kernel, or what is different; `breaks`:
 * `S2 17, S11 15`, each label that breaks with the length of a shortest schedule, or `nothing`; `states`: in all.
 */
export type Row<K extends TestKernel> = readonly [
  example: string,
  on: string,
  breaks: string,
  states: number,
  boot: () => K,
  threads: (k: K) => ThreadCalls,
]

/** Every interleaving of what the threads of a machine call. */
export function playedEveryWay<K extends TestKernel>(
  boot: () => K,
  threads: (k: K) => ThreadCalls,
  invariants: readonly Invariant<Kernel>[],
): { readonly states: number; readonly breaks: string } {
  const k = boot()
  const found = explored(k.kernel, threads(k), invariants)
  return { states: found.states, breaks: verdictOf(found) }
}
