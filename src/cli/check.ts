import { type Answer, Check, type Example, type PropertyAnswer } from '../checker/check'
import { MAX_SHARDS } from '../checker/shard'
import { writeLink } from '../formats/permalink'
import type { Choice } from '../machine'
import { openScenario, type Request } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { parse } from './arguments'
import type { Command } from './command'
import { counted, say, sayJson, UserError } from './output'
import { advanced, countOf, requestOf, scenarioNamed, setupOptions } from './setup'
import { play, printStep, traceSteps } from './trace'
import { advancedByWorkers } from './workers'

const options = {
  ...setupOptions,
  property: { type: 'string', multiple: true },
  'max-states': { type: 'string' },
  seconds: { type: 'string' },
  workers: { type: 'string' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

export const check: Command = {
  usage:
    'check SCENARIO [--kernel V] [--policy P=V]… [--set NAME=VALUE]… [--property NAME]… [--max-states N] [--seconds N] [--workers N] [--all] [--json]',
  does: 'Every interleaving, to the first that breaks a property, or with --all to the last. Exit 1 if one is broken, or a thread can hang or go round for ever; a search that a limit stopped says so, and exits 0.',
  run(args) {
    const { values, positionals } = parse(args, options, 1)
    const scenario = scenarioNamed(positionals[0])
    const request = requestOf(values)
    const maxStates = countOf('max-states', values['max-states'])
    const question = {
      ...request,
      everything: values.all === true,
      ...(values.property === undefined ? {} : { properties: values.property }),
      ...(maxStates === undefined ? {} : { maxStates }),
    }
    const found = Check.of(scenario, question)
    if (typeof found === 'string') throw new UserError(found)
    const most = countOf('seconds', values.seconds)
    const workers = workersOf(values.workers)
    const conclude = (seconds: number): number => {
      const result = resultOf({ scenario, request, seconds }, found)
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

function resultOf(asked: Pick<Result, 'scenario' | 'request' | 'seconds'>, found: Check): Result {
  const answer = found.answer()
  const broken = nearest(answer)
  return { ...asked, answer, broken, example: exampleOf(found, answer, broken) }
}

interface Result {
  readonly scenario: Scenario
  readonly request: Request
  readonly answer: Answer
  readonly broken: PropertyAnswer | undefined
  readonly example: Example | undefined
  readonly seconds: number
}

/** The broken property with the shortest schedule. */
const nearest = ({ properties }: Answer): PropertyAnswer | undefined =>
  properties
    .filter(({ verdict }) => verdict === 'broken')
    .sort((a, b) => (a.depth ?? 0) - (b.depth ?? 0))[0]

function exampleOf(
  found: Check,
  { verdict, hangs }: Answer,
  broken: PropertyAnswer | undefined,
): Example | undefined {
  if (broken !== undefined) return found.example(broken.name)
  if (verdict === 'hang') return found.example(`hang ${hangs[0]?.who}`)
  return found.example('livelock')
}

const choicesOf = ({ example }: Result): readonly Choice[] | undefined =>
  example?.schedules[0]?.choices

const rateOf = ({ answer, seconds }: Result): number =>
  Math.round(answer.states / Math.max(seconds, 1e-6))

function linkOf({ scenario, request }: Result, choices: readonly Choice[]): string {
  const { preset = scenario.preset, policies = {}, params = {} } = request
  const cursor = choices.length
  return writeLink({ scenario: scenario.name, preset, policies, params, cursor, choices })
}

function asJson(result: Result) {
  const { scenario, answer, broken, example, seconds } = result
  const { verdict, states, transitions, depth, limit, properties, hangs, livelock } = answer
  const choices = choicesOf(result)
  const { preset: kernel = scenario.preset, policies, params } = result.request
  return {
    scenario: scenario.name,
    kernel,
    policies,
    params,
    verdict,
    states,
    transitions,
    depth,
    seconds: Number(seconds.toFixed(3)),
    statesPerSecond: rateOf(result),
    ...(limit === undefined ? {} : { limit }),
    ...(broken === undefined ? {} : { property: broken.name }),
    ...(choices === undefined
      ? {}
      : {
          schedule: choices,
          switches: example?.schedules[0]?.switches,
          asShort: example?.count,
          link: `#${linkOf(result, choices)}`,
        }),
    properties,
    hangs,
    livelock: livelock ?? null,
  }
}

function print(result: Result): void {
  const { answer, broken, example, seconds } = result
  const { states, transitions, depth } = answer
  say(sentenceOf(answer, broken))
  for (const property of answer.properties) say(propertyLine(property))
  for (const { who, chain } of answer.hangs) {
    say(`  ${who} can hang:`)
    for (const link of chain)
      say(`    ${link.who} (${link.state}): ${link.reason} Waits for ${link.for.join(', ')}.`)
  }
  say(
    `${states} states, ${transitions} transitions, depth ${depth}; ${seconds.toFixed(3)} s, ${rateOf(result)} states/s`,
  )
  const choices = choicesOf(result)
  if (choices === undefined || example === undefined) return
  const others = example.count === 1 ? '' : `, one of ${example.count} as short`
  say(
    `\nShortest schedule, ${counted(example.schedules[0]?.switches, 'context switch', 'es')}${others}:`,
  )
  printSchedule(result, choices)
  say(`\n#${linkOf(result, choices)}`)
}

const limits = {
  states: 'the limit of states',
  memory: 'the limit of memory',
  time: 'the limit of time',
  cancel: 'a wish',
} as const

function sentenceOf(answer: Answer, broken: PropertyAnswer | undefined): string {
  const { verdict, limit, hangs, livelock } = answer
  const stopped = limit === undefined ? '' : ` The search was stopped at ${limits[limit]}.`
  switch (verdict) {
    case 'broken':
      return `broken after ${counted(broken?.depth, 'step')}: ${broken?.claim} ${broken?.says ?? ''}${stopped}`
    case 'hang':
      return `hang: ${hangs[0]?.who} can come to wait for ever, after ${counted(hangs[0]?.depth, 'step')}.`
    case 'livelock':
      return `livelock: ${livelock?.who.join(', ')} can go round for ever, from step ${livelock?.depth} on.`
    case 'holds':
      return 'holds: every interleaving was explored.'
    case 'limit':
      return `limit: nothing is broken so far.${stopped}`
    default:
      return verdict satisfies never
  }
}

const propertyLine = ({ name, verdict, depth, claim }: PropertyAnswer): string =>
  `  ${name.padEnd(26)} ${(depth === undefined ? verdict : `${verdict} @${depth}`).padEnd(12)} ${claim}`

function printSchedule({ scenario, request }: Result, choices: readonly Choice[]): void {
  const opened = openScenario(scenario, request)
  if (typeof opened === 'string') throw new UserError(opened)
  const { timeline } = opened
  timeline.load(choices)
  traceSteps(timeline.kernel, play(timeline)).forEach(printStep)
}
