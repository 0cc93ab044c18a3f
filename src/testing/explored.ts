import type { Programs } from '../checker/moves'
import { Search } from '../checker/search'
import type { Kernel } from '../linux/kernel'
import type { Call, Invariant } from '../machine'

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

/** Every interleaving of what the threads of a kernel call; fails where it is larger than it should be. */
export function explored(
  k: Kernel,
  programs: Readonly<Record<string, readonly Call<Kernel>[]>> | Programs<Kernel> = {},
  invariants: readonly Invariant<Kernel>[] = k.invariants,
  most = 2_000_000,
): Found {
  const named = programs instanceof Map ? programs : new Map(Object.entries(programs))
  const search = new Search(k, named as Programs<Kernel>, invariants)
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
