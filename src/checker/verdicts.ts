import { pack } from '../arena'
import type { Kernel } from '../linux/kernel'
import { presets } from '../linux/presets'
import type { Scenario } from '../scenarios/scenario'
import { type Answer, Check } from './check'

/** What the checker says of a scenario under kernels of which it says the same. */
export interface Verdict {
  /** Names of the presets. */
  readonly kernels: readonly string[]
  readonly verdict: Answer['verdict']
  readonly states: number
  readonly transitions: number
  readonly depth: number
  /** False where the search stopped at the limit: what is not broken is not known to hold. */
  readonly isComplete: boolean
  /** Steps of a shortest schedule, for each property that is broken, or shown. */
  readonly broken: Readonly<Record<string, number>>
  readonly shown: Readonly<Record<string, number>>
  /** Properties that came upon nothing of what they speak of. The others hold, if the search is complete. */
  readonly notApplicable: readonly string[]
  /** Steps to where a thread hangs, by its name. */
  readonly hangs: Readonly<Record<string, number>>
  /** Steps to where threads go round for ever; null where none do. */
  readonly livelock: number | null
}

/** A verdict under one setup. */
export type Summary = Omit<Verdict, 'kernels'>

/** States after which a search of the table stops. */
export const TABLE_LIMIT = 1_000_000

type Policies = Kernel['policy']

/** A search that was made, and all that its answer hangs on. */
interface Made {
  readonly start: Int32Array
  readonly asked: ReadonlyMap<string, string>
  readonly kernels: string[]
  readonly found: Summary
}

/**
 * The verdicts of a scenario under every kernel preset. Kernels that start from the same state, and
 * agree in every policy that was read on the way, make the same moves: they are searched once.
 */
export function verdictsOf(scenario: Scenario): Verdict[] {
  const made: Made[] = []
  for (const { name } of presets) {
    const asked = new Map<string, string>()
    let start: Int32Array = new Int32Array()
    let same: number | undefined
    const check = Check.of(
      scenario,
      { preset: name, everything: true, maxStates: TABLE_LIMIT },
      (k) => {
        start = pack(k.heap.arena)
        same = made.findIndex((each) => isSame(each, start, k.policy))
        Object.assign(k, { policy: noting(k.policy, asked) })
      },
    )
    if (typeof check === 'string') throw new Error(check)
    const before = made[same ?? -1]
    if (before !== undefined) {
      before.kernels.push(name)
      continue
    }
    check.advance(() => false)
    made.push({ start, asked, kernels: [name], found: summaryOf(check.answer()) })
  }
  return merged(made)
}

/** Kernels under which the same was found, if by searches of their own, in one line. */
function merged(made: readonly Made[]): Verdict[] {
  const order = presets.map(({ name }) => name)
  const lines = new Map<string, Verdict>()
  for (const { kernels, found } of made) {
    const key = JSON.stringify(found)
    const all = [...(lines.get(key)?.kernels ?? []), ...kernels]
    lines.set(key, { kernels: order.filter((name) => all.includes(name)), ...found })
  }
  return [...lines.values()]
}

const isSame = ({ start, asked }: Made, other: Int32Array, policy: Policies): boolean =>
  start.length === other.length &&
  start.every((word, i) => word === other[i]) &&
  [...asked].every(([name, value]) => policy[name as keyof Policies] === value)

/** The policies, which note what is read of them. */
const noting = (policies: Policies, asked: Map<string, string>): Policies =>
  new Proxy(policies, {
    get(target, name: keyof Policies) {
      asked.set(name, target[name])
      return target[name]
    },
  })

/** An answer in a few numbers. */
export function summaryOf({
  verdict,
  states,
  transitions,
  depth,
  limit,
  properties,
  hangs,
  livelock,
}: Answer): Summary {
  const depths = (wanted: string) =>
    Object.fromEntries(
      properties
        .filter((each) => each.verdict === wanted)
        .map(({ name, depth }) => [name, depth ?? 0]),
    )
  return {
    verdict,
    states,
    transitions,
    depth,
    isComplete: limit === undefined,
    broken: depths('broken'),
    shown: depths('shown'),
    notApplicable: properties
      .filter((each) => each.verdict === 'notApplicable')
      .map(({ name }) => name),
    hangs: Object.fromEntries(hangs.map(({ who, depth }) => [who, depth])),
    livelock: livelock?.depth ?? null,
  }
}
