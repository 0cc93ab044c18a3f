import { policies } from '../linux/policies'
import { presets } from '../linux/presets'
import type { Policy } from '../machine'
import { openScenario, type Request } from './open'
import type { Scenario } from './scenario'

/** A rule under which a story is told, with what the page calls it. */
export interface Variant {
  readonly value: string
  readonly title: string
  readonly request: Request
}

/** How a story goes under some rules: those of one column. */
export interface Outcome {
  readonly under: readonly Variant[]
  /** What each passage tells; one in which nothing happens is not there. */
  readonly told: Readonly<Record<string, string>>
  /** Claims of the properties that broke on the way. */
  readonly broken: readonly string[]
}

/** What `sideBySide` takes for the kernels, where else the name of a policy stands. */
export const KERNELS = 'kernel'

/** The values of a policy, or the kernels, with what else was chosen. */
export function variantsOf(axis: string, chosen: Request): Variant[] {
  if (axis === KERNELS)
    return presets.map(({ name, title }) => ({
      value: name,
      title,
      request: { ...chosen, preset: name },
    }))
  const policy: Policy | undefined = policies.find(({ name }) => name === axis)
  return Object.entries(policy?.values ?? {}).map(([value, { title }]) => ({
    value,
    title,
    request: { ...chosen, policies: { ...chosen.policies, [axis]: value } },
  }))
}

/** Plays the whole story under one variant. A sentence says why it cannot be played. */
export function outcomeOf(scenario: Scenario, variant: Variant): Outcome | string {
  const opened = openScenario(scenario, variant.request)
  if (typeof opened === 'string') return opened
  opened.timeline.seek(Number.MAX_SAFE_INTEGER)
  const broken = opened.timeline.standings().filter(({ since }) => since !== undefined)
  return {
    under: [variant],
    told: Object.fromEntries(opened.passages.map(({ title, text }) => [title, text])),
    broken: broken.map(({ invariant }) => invariant.claim),
  }
}

/** Adds an outcome: neighbours under which the story goes the same are one column. */
export function joined(outcomes: readonly Outcome[], next: Outcome): Outcome[] {
  const last = outcomes.at(-1)
  const isSame = last !== undefined && contentOf(last) === contentOf(next)
  return isSame
    ? [...outcomes.slice(0, -1), { ...last, under: [...last.under, ...next.under] }]
    : [...outcomes, next]
}

const contentOf = ({ told, broken }: Outcome): string => JSON.stringify([told, broken])

/** `v4.14 to v5.1`: the rules of a column, in the words of the menus. */
export function headingOf({ under }: Outcome): string {
  const [first] = under
  const last = under.at(-1)
  if (first === undefined || last === undefined) return ''
  return first === last ? first.title : `${first.title} to ${last.title.replace(/^Linux /, '')}`
}
