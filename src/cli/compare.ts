import { type Apart, SpaceComparison, type SpacesCompared } from '../checker/compare'
import { writeLink } from '../formats/permalink'
import { changedField } from '../formats/traces/step-lines'
import { diffOfTraces } from '../formats/traces/two-traces'
import type { Kernel } from '../linux/kernel'
import { isDid, type Row, type Side } from '../machine'
import type { Request } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { firstDifferent, setupTitle, type TwoSetups, underTwoSetups } from '../scenarios/two-setups'
import { parse } from './arguments'
import type { Command } from './command'
import { counted, say, sayJson, UNDECIDED, UserError } from './output'
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

interface Compared {
  readonly scenario: Scenario
  readonly a: Request
  readonly b: Request
  readonly played: TwoSetups
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

const isSame = (played: TwoSetups): boolean =>
  played.start.length === 0 && firstDifferent(played) === undefined

/** True where something is known to differ; a search that was stopped may not know. */
const differs = ({ a, b, leftOut, verdicts }: SpacesCompared): boolean =>
  [a, b].some(({ only }) => only !== undefined && only.states > 0) ||
  leftOut.length > 0 ||
  verdicts.length > 0

const titled = ({ scenario, a, b, played }: Compared) => ({
  a: { title: setupTitle(scenario, a), kernel: played.a.kernel },
  b: { title: setupTitle(scenario, b), kernel: played.b.kernel },
})

function asJson(compared: Compared, space: SpacesCompared | undefined) {
  const { scenario, played } = compared
  const { a, b } = titled(compared)
  const { start, rows } = played
  const first = rows.find((row) => !row.isSame)
  return {
    scenario: scenario.name,
    a: a.title,
    b: b.title,
    same: isSame(played),
    steps: rows.length,
    start,
    firstDifference: first === undefined ? null : rowJson(first, played),
    differences: rows.filter((row) => !row.isSame).map((row) => rowJson(row, played)),
    diff: diffOfTraces({ a, b, start, rows }),
    ...(space === undefined ? {} : { space: spaceJson(compared, space) }),
  }
}

/** The number of a step, on the side that took it. */
const stepNumber = (row: Row | undefined): number | undefined => [row?.a, row?.b].find(isDid)?.at

const rowJson = ({ a, b }: Row, played: TwoSetups) => ({
  a: sideJson(played.a.kernel, a),
  b: sideJson(played.b.kernel, b),
})

function sideJson(k: Kernel, side: Side | undefined) {
  if (side === undefined) return null
  if (!isDid(side)) return { who: side.who, passedOver: side.says }
  const { who, operation, step, fn, returned } = side.moment
  return {
    step: side.at,
    who,
    operation,
    name: step ?? null,
    fn,
    returned: returned ?? null,
    changed: side.changes.map((change) => changedField(k, change)),
    broken: side.broken,
  }
}

function spaceJson(compared: Compared, { a, b, both, leftOut, verdicts }: SpacesCompared) {
  const side = (letter: 'a' | 'b', { answer, all, only, nearest }: SpacesCompared['a']) => ({
    verdict: answer.verdict,
    limit: answer.limit ?? null,
    ...all,
    only: only ?? null,
    nearest:
      nearest === undefined
        ? null
        : {
            inMemory: nearest.isInMemory,
            steps: nearest.choices.length,
            switches: nearest.switches,
            asShort: nearest.count,
            differsAt: stepNumber(nearest.first) ?? null,
            schedule: nearest.choices,
            link: linkOf(compared, letter, nearest),
          },
  })
  return { a: side('a', a), b: side('b', b), both, notCompared: leftOut, verdicts }
}

function linkOf({ scenario, ...sides }: Compared, letter: 'a' | 'b', { choices }: Apart): string {
  const { preset = scenario.preset, policies = {}, params = {} } = sides[letter]
  const cursor = choices.length
  return `#${writeLink({ scenario: scenario.name, preset, policies, params, cursor, choices })}`
}

function print(compared: Compared, space: SpacesCompared | undefined): void {
  const { played } = compared
  const { a, b } = titled(compared)
  const { start, rows } = played
  const first = firstDifferent(played)
  if (isSame(played)) say(`The same under both, for ${counted(rows.length, 'step')}.`)
  else {
    const at = first === undefined ? undefined : stepNumber(rows[first])
    const many = rows.filter((row) => !row.isSame).length
    if (at === undefined) say('They differ before the first step.')
    else say(`Step ${at} is the first that differs; ${many} of ${rows.length} rows do.`)
    say(`\n${diffOfTraces({ a, b, start, rows })}`.trimEnd())
  }
  if (space !== undefined) printSpace(compared, space)
}

function printSpace(compared: Compared, { a, b, both, leftOut, verdicts }: SpacesCompared): void {
  say(`\nEvery interleaving, a: ${titled(compared).a.title}, b: ${titled(compared).b.title}`)
  say(
    `  both reach ${counted(both.states, 'state')}, ${counted(both.memories, 'content')} of memory`,
  )
  for (const [letter, side] of [
    ['a', a],
    ['b', b],
  ] as const) {
    const { answer, all, only, nearest } = side
    const limit = answer.limit === undefined ? '' : `, stopped at a limit (${answer.limit})`
    say(`  ${letter}: ${answer.verdict}${limit}; ${all.states} states, ${all.memories} contents`)
    if (only === undefined) say('     what it reaches alone is not known: the other was stopped')
    else say(`     alone: ${only.states} states, ${only.memories} contents`)
    if (nearest !== undefined) printNearest(compared, letter, nearest)
  }
  for (const { where, field, a: left, b: right } of leftOut)
    say(`  never the same, and so not compared: ${where}.${field}: ${left} | ${right}`)
  for (const verdict of verdicts) say(`  ${verdict.name}: a ${verdict.a}, b ${verdict.b}`)
}

function printNearest(compared: Compared, letter: 'a' | 'b', nearest: Apart): void {
  const { choices, switches, isInMemory, first } = nearest
  const what = isInMemory ? 'content of memory' : 'place of a thread'
  const at = stepNumber(first)
  const where = at === undefined ? '' : `; the sides differ from its step ${at} on`
  say(
    `     the nearest ${what}: after ${counted(choices.length, 'step')}, ${counted(switches, 'context switch', 'es')}${where}`,
  )
  say(`     ${linkOf(compared, letter, nearest)}`)
}
