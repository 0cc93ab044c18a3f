import { MAX_SHARDS } from '../checker/shard'
import { parse } from './arguments'
import { asJson, checkOf, resultOf } from './check-answer'
import { print } from './check-text'
import type { Command } from './command'
import { sayJson, UserError } from './output'
import { advanced, countOf, requestOf, scenarioNamed, setupOptions } from './setup'
import { advancedByWorkers } from './workers'

const options = {
  ...setupOptions,
  property: { type: 'string', multiple: true },
  example: { type: 'string' },
  'max-states': { type: 'string' },
  seconds: { type: 'string' },
  workers: { type: 'string' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

export const check: Command = {
  usage:
    'check SCENARIO [--kernel V] [--policy P=V]… [--set NAME=VALUE]… [--property NAME]… [--example NAME] [--max-states N] [--seconds N] [--workers N] [--all] [--json]',
  does: 'Every interleaving, to the first that breaks a property, or with --all to the last; --example has a schedule to a property, to "hang NAME" or to a livelock. Exit 1 if one is broken, or a thread can hang or go round for ever; a search that a limit stopped says so, and exits 0.',
  run(args) {
    const { values, positionals } = parse(args, options, 1)
    const scenario = scenarioNamed(positionals[0])
    const maxStates = countOf('max-states', values['max-states'])
    const question = {
      ...requestOf(values),
      everything: values.all === true || values.example !== undefined,
      ...(values.property === undefined ? {} : { properties: values.property }),
      ...(maxStates === undefined ? {} : { maxStates }),
    }
    const found = checkOf(scenario, question, values.example)
    const most = countOf('seconds', values.seconds)
    const workers = workersOf(values.workers)
    const conclude = (seconds: number): number => {
      const result = resultOf({ scenario, question, seconds }, found, values.example)
      if (values.json === true) sayJson(asJson(result))
      else print(result)
      const { verdict } = result.answer
      return verdict === 'holds' || verdict === 'limit' ? 0 : 1
    }
    if (workers === 1) return conclude(advanced(found, most))
    const asked = { scenario: scenario.name, question }
    return advancedByWorkers(found, asked, workers, most).then(conclude)
  },
}

function workersOf(text: string | undefined): number {
  const workers = countOf('workers', text) ?? 1
  if (workers > MAX_SHARDS) throw new UserError(`--workers takes ${MAX_SHARDS} at most.`)
  return workers
}
