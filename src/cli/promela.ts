import { startOf } from '../checker/programs'
import { modelOf } from '../checker/promela'
import { parse } from './arguments'
import type { Command } from './command'
import { say, UserError } from './output'
import { countOf, requestOf, scenarioNamed, setupOptions } from './setup'

const options = {
  ...setupOptions,
  property: { type: 'string' },
  'max-states': { type: 'string' },
} as const

/** States of a model that SPIN’s compiler takes within a minute or so. */
const MOST_STATES = 100_000

const MORE = 'With --max-states there may be more; SPIN’s compiler then takes its time.'

export const promelaCommand: Command = {
  usage:
    'promela SCENARIO --property NAME [--kernel V] [--policy P=V]… [--set NAME=VALUE]… [--max-states N]',
  does: 'The scenario and one property as a model for SPIN, which finds the verdict and the shortest length once more.',
  run(args) {
    const { values, positionals } = parse(args, options, 1)
    const scenario = scenarioNamed(positionals[0])
    const request = requestOf(values)
    const start = startOf(scenario, request)
    if (typeof start === 'string') throw new UserError(start)
    const most = countOf('max-states', values['max-states']) ?? MOST_STATES
    const wish = { ...request, property: values.property, most, more: MORE }
    const model = modelOf(scenario, start, wish)
    if (typeof model === 'string') throw new UserError(model)
    say(model.text.trimEnd())
    return 0
  },
}
