import type { Source } from './source'

/** One of the designs that were argued about. */
export interface PolicyValue {
  readonly title: string
  /** What this design does, in one sentence. */
  readonly says: string
  readonly source?: Source
}

/** A design debate: a question with a few named answers. */
export interface Policy<N extends string = string, V extends string = string> {
  readonly name: N
  readonly question: string
  readonly values: Readonly<Record<V, PolicyValue>>
  readonly initial: NoInfer<V>
}

export const policy = <const N extends string, const V extends string>(
  declared: Policy<N, V>,
): Policy<N, V> => declared

/** One value of every policy in a list. */
export type PolicyValues<L extends readonly Policy[]> = {
  readonly [P in L[number] as P['name']]: keyof P['values'] & string
}

/** The initial values, with some of them replaced. Names and values must be known: see `judge`. */
export function choosePolicies<const L extends readonly Policy[]>(
  list: L,
  chosen: Readonly<Record<string, string>> = {},
): PolicyValues<L> {
  const values = list.map(({ name, initial }) => [name, chosen[name] ?? initial])
  return Object.fromEntries(values) as PolicyValues<L>
}

/** A sentence about the first policy or value that does not exist, or nothing. */
export function judgePolicies(
  list: readonly Policy[],
  chosen: Readonly<Record<string, string>>,
): string | undefined {
  for (const [name, value] of Object.entries(chosen)) {
    const known = list.find((candidate) => candidate.name === name)
    if (known === undefined)
      return `There is no policy "${name}"; known are ${list.map((each) => each.name).join(', ')}.`
    if (!Object.hasOwn(known.values, value))
      return `Policy ${name} has no value "${value}"; it takes ${Object.keys(known.values).join(', ')}.`
  }
  return undefined
}
