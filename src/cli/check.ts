import { type Answer, type Reduction, reductions } from '../checker/check'
import { MAX_SHARDS } from '../checker/shard'
import { parse } from './arguments'
import { asJson, checkOf, resultOf } from './check-answer'
import { print } from './check-text'
import type { Command } from './command'
import { sayJson, UNDECIDED, UserError } from './output'
import { countOf, requestOf, scenarioNamed, setupOptions } from './setup'
import { INTERRUPTED, inSlices, watched } from './watched'
import { byWorkers } from './workers'

const options = {
  ...setupOptions,
  property: { type: 'string', multiple: true },
  example: { type: 'string' },
  reduce: { type: 'string' },
  'max-states': { type: 'string' },
  seconds: { type: 'string' },
  workers: { type: 'string' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

export const check: Command = {
  usage:
    'check SCENARIO [--kernel V] [--policy P=V]… [--set NAME=VALUE]… [--property NAME]… [--example NAME] [--max-states N] [--seconds N] [--reduce symmetry,localFirst] [--workers N] [--all] [--json]',
  does: 'Every interleaving, to the first that breaks a property, or with --all to the last; --example has a schedule to a property, to "hang NAME" or to a livelock; --reduce takes threads that are alike for each other, and makes a thread’s own moves first, where that answers all the same. The verdict is holds (exit 0), broken, hang or livelock (exit 1), or limit: the search was stopped and had found nothing, which proves nothing (exit 3).',
  run(args) {
    const { values, positionals } = parse(args, options, 1)
    const scenario = scenarioNamed(positionals[0])
    const maxStates = countOf('max-states', values['max-states'])
    const question = {
      ...requestOf(values),
      everything: values.all === true || values.example !== undefined,
      ...(values.property === undefined ? {} : { properties: values.property }),
      ...(values.reduce === undefined ? {} : { reduce: reductionsOf(values.reduce) }),
      ...(maxStates === undefined ? {} : { maxStates }),
    }
    const found = checkOf(scenario, question, values.example)
    const most = countOf('seconds', values.seconds)
    const workers = workersOf(values.workers)
    const asked = { scenario: scenario.name, question }
    const work = () => (workers === 1 ? inSlices(found) : byWorkers(found, asked, workers))
    return watched(found, work, most).then((seconds) => {
      const result = resultOf({ scenario, question, seconds }, found, values.example)
      if (values.json === true) sayJson(asJson(result))
      else print(result)
      const { verdict, limit } = result.answer
      return limit === 'cancel' ? INTERRUPTED : exitCodes[verdict]
    })
  },
}

const exitCodes: Readonly<Record<Answer['verdict'], number>> = {
  holds: 0,
  broken: 1,
  hang: 1,
  livelock: 1,
  limit: UNDECIDED,
}

function reductionsOf(text: string): Reduction[] {
  const names: readonly string[] = text.split(',')
  const known: readonly string[] = reductions
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new UserError(
      `--reduce takes ${reductions.join(' and ')}, with a comma between them, not "${unknown}".`,
    )
  return reductions.filter((each) => names.includes(each))
}

function workersOf(text: string | undefined): number {
  const workers = countOf('workers', text) ?? 1
  if (workers > MAX_SHARDS) throw new UserError(`--workers takes ${MAX_SHARDS} at most.`)
  return workers
}
