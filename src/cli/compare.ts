import { SpaceComparison, type SpacesCompared } from '../checker/compare'
import type { Request } from '../scenarios/open'
import { type TwoSetups, underTwoSetups } from '../scenarios/two-setups'
import { parse } from './arguments'
import type { Command } from './command'
import { asJson, type Compared, isSame } from './compare-answer'
import { print } from './compare-text'
import { sayJson, UNDECIDED, UserError } from './output'
import { scheduled } from './schedule'
import { countOf, paramsOf, policiesOf } from './setup'
import { INTERRUPTED, inSlices, watched } from './watched'

const options = {
  a: { type: 'string' },
  b: { type: 'string' },
  set: { type: 'string', multiple: true },
  schedule: { type: 'string' },
  space: { type: 'boolean' },
  'max-states': { type: 'string' },
  seconds: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** States that each side may have, where nothing else is said. */
const MAX_STATES = 500_000

export const compare: Command = {
  usage:
    'compare SCENARIO --a KERNEL[,P=V…] --b KERNEL[,P=V…] [--set NAME=VALUE]… [--schedule FILE|LINK] [--space [--max-states N] [--seconds N]] [--json]',
  does: 'The same schedule under two setups, the story’s where none is given, as a unified diff of the traces; with --space, every interleaving under both. Exit 1 if they differ, 3 if a search was stopped before a difference was found.',
  run(args) {
    const { values, positionals } = parse(args, options, 1)
    const { scenario, given } = scheduled(positionals[0], values.schedule)
    const params = { ...given?.request.params, ...paramsOf(values.set) }
    const sides = { a: sideOf('a', values.a, params), b: sideOf('b', values.b, params) }
    for (const option of ['max-states', 'seconds'] as const)
      if (values[option] !== undefined && values.space !== true)
        throw new UserError(`--${option} is for a search: give --space too.`)
    const maxStates = countOf('max-states', values['max-states']) ?? MAX_STATES
    const seconds = countOf('seconds', values.seconds)
    const played = underTwoSetups(scenario, sides.a, sides.b, given?.choices)
    if (typeof played === 'string') throw new UserError(played)
    const compared = { scenario, ...sides, played }
    const conclude = (space?: SpacesCompared): number => {
      if (values.json === true) sayJson(asJson(compared, space))
      else print(compared, space)
      return exitCode(played, space)
    }
    if (values.space !== true) return conclude()
    const comparison = spacesOf(compared, maxStates)
    return watched(comparison, () => inSlices(comparison), seconds).then(() =>
      conclude(comparison.result()),
    )
  },
}

function exitCode(played: TwoSetups, space: SpacesCompared | undefined): number {
  const limits = space === undefined ? [] : [space.a, space.b].map(({ answer }) => answer.limit)
  if (limits.includes('cancel')) return INTERRUPTED
  if (!isSame(played) || (space !== undefined && differs(space))) return 1
  return limits.every((limit) => limit === undefined) ? 0 : UNDECIDED
}

/** `v5.9,removalZap=leave`: a kernel, policies, or both. */
function sideOf(letter: string, text: string | undefined, params: Request['params']): Request {
  if (text === undefined)
    throw new UserError(`Give --${letter} a kernel, policies, or both: v5.9,P=V.`)
  const [first = '', ...rest] = text.split(',')
  const hasKernel = !first.includes('=')
  return {
    ...(hasKernel ? { preset: first } : {}),
    policies: policiesOf(hasKernel ? rest : [first, ...rest]),
    ...(params === undefined ? {} : { params }),
  }
}

function spacesOf({ scenario, a, b }: Compared, maxStates: number): SpaceComparison {
  const comparison = SpaceComparison.of(scenario, a, b, { maxStates })
  if (typeof comparison === 'string') throw new UserError(comparison)
  return comparison
}

/** True where something is known to differ; a search that was stopped may not know. */
const differs = ({ a, b, leftOut, verdicts }: SpacesCompared): boolean =>
  [a, b].some(({ only }) => only !== undefined && only.states > 0) ||
  leftOut.length > 0 ||
  verdicts.length > 0
