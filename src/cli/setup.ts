import { policies } from '../linux/policies'
import { judgePolicies } from '../machine'
import { scenarios } from '../scenarios'
import type { Request } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { pairs } from './arguments'
import { UserError } from './output'

/** What every command takes that plays a scenario. */
export const setupOptions = {
  kernel: { type: 'string' },
  policy: { type: 'string', multiple: true },
  set: { type: 'string', multiple: true },
} as const

interface Wishes {
  readonly kernel?: string | undefined
  readonly policy?: string[] | undefined
  readonly set?: string[] | undefined
}

export function scenarioNamed(name: string | undefined): Scenario {
  if (name === undefined) throw new UserError('Name a scenario; the command list prints them.')
  const scenario = scenarios.find((each) => each.name === name)
  const known = scenarios.map((each) => each.name).join(', ')
  if (scenario === undefined)
    throw new UserError(`There is no scenario "${name}"; known are ${known}.`)
  return scenario
}

/**
 * Kernel, policies and parameters, and what is usual where an option says nothing; the scenario judges
 * kernel and parameters when it is opened.
 */
export const requestOf = ({ kernel, policy, set }: Wishes, usual: Request = {}): Request => ({
  ...usual,
  ...(kernel === undefined ? {} : { preset: kernel }),
  policies: { ...usual.policies, ...policiesOf(policy) },
  params: { ...usual.params, ...paramsOf(set) },
})

/** Policies with their values, judged. */
export const policiesOf = (texts: readonly string[] | undefined): Record<string, string> =>
  judged(pairs(texts))

export function judged(chosen: Record<string, string>): Record<string, string> {
  const wrong = judgePolicies(policies, chosen)
  if (wrong !== undefined) throw new UserError(wrong)
  return chosen
}

export const paramsOf = (texts: readonly string[] | undefined): Record<string, number> =>
  Object.fromEntries(Object.entries(pairs(texts)).map(([name, value]) => [name, Number(value)]))

/** A whole number from 1 on that an option was given. */
export function countOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const count = Number(text)
  if (!/^\d+$/.test(text) || count === 0)
    throw new UserError(`--${option} takes a whole number from 1 on, not "${text}".`)
  if (!Number.isSafeInteger(count))
    throw new UserError(`--${option} takes at most ${Number.MAX_SAFE_INTEGER}.`)
  return count
}
