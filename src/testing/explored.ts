import { Search } from '../checker/search'
import type { Kernel } from '../linux/kernel'
import type { Call, Invariant, Program } from '../machine'

/** What each thread of a machine calls, by its name. */
export type ThreadCalls = Readonly<Record<string, Program<Kernel>>>

/** What the checker finds: for each property that is broken or shown, the length of a shortest schedule. */
export interface Found {
  readonly states: number
  readonly transitions: number
  readonly broken: Readonly<Record<string, number>>
  readonly shown: Readonly<Record<string, number>>
}

/** A call with arguments that do not depend on the moment; say nothing for those it begins with. */
export const calls = (
  operation: string,
  args: Call<Kernel>['args'] | Readonly<Record<string, number | string>> = {},
): Call<Kernel> => ({
  operation: () => operation,
  args: typeof args === 'function' ? args : () => args,
})

/** The search through what the threads of a kernel call, before its first move. */
export const searchOf = (
  k: Kernel,
  threads: ThreadCalls,
  invariants: readonly Invariant<Kernel>[],
): Search<Kernel> => new Search(k, new Map(Object.entries(threads)), invariants)

/** Every interleaving of what the threads of a kernel call; fails where it is larger than it should be. */
export function explored(
  k: Kernel,
  threads: ThreadCalls = {},
  invariants: readonly Invariant<Kernel>[] = k.invariants,
  most = 2_000_000,
): Found {
  const search = searchOf(k, threads, invariants)
  while (search.advance(1000))
    if (search.states > most) throw new Error(`there are more than ${most} states`)
  const depths = (kind: 'always' | 'sometimes') =>
    Object.fromEntries(
      search.claims.list
        .filter(({ invariant, states }) => invariant.kind === kind && states.length > 0)
        .map(({ invariant, states }) => [invariant.name, search.levelOf(states[0] as number)]),
    )
  const { states, transitions } = search
  return { states, transitions, broken: depths('always'), shown: depths('sometimes') }
}
