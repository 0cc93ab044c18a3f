import { changedField, isWorthTelling, mailTrace, type TraceLine } from '../formats/mail-trace'
import { readLink, writeLink } from '../formats/permalink'
import type { Kernel } from '../linux/kernel'
import { policies } from '../linux/policies'
import type { Choice, Moment, Timeline } from '../machine'
import { judgePolicies } from '../machine'
import { scenarios } from '../scenarios'
import { type Opened, openScenario } from '../scenarios/open'
import { pairs, parse, readInput } from './arguments'
import type { Command } from './command'
import { say, sayJson, UserError } from './output'

const options = {
  kernel: { type: 'string' },
  policy: { type: 'string', multiple: true },
  set: { type: 'string', multiple: true },
  schedule: { type: 'string' },
  json: { type: 'boolean' },
  text: { type: 'boolean' },
} as const

interface Wishes {
  readonly kernel?: string | undefined
  readonly policy?: string[] | undefined
  readonly set?: string[] | undefined
  readonly schedule?: string | undefined
}

/** A step of the trace, ready for JSON. */
interface TraceStep {
  readonly step: number
  readonly who: string
  readonly operation: string
  readonly name: string | null
  readonly fn: string
  readonly does: string
  readonly returned: number | null
  readonly changed: readonly ReturnType<typeof changedField>[]
  readonly broken: readonly string[]
}

export const run: Command = {
  usage:
    'run SCENARIO [--kernel V] [--policy P=V]… [--set NAME=VALUE]… [--schedule FILE|LINK] [--json|--text]',
  does: 'The trace: steps, changed fields, violations. Exit 1 if a property breaks.',
  run(args) {
    const { values, positionals } = parse(args, options, 1)
    const opened = open(positionals[0], values)
    const lines = play(opened.timeline)
    const trace = lines.map((line, i) => traceStep(opened.timeline.kernel, line, i + 1))
    if (values.json === true) sayJson({ scenario: opened.scenario.name, steps: trace })
    else if (values.text === true) say(mailText(opened, lines))
    else trace.forEach(printStep)
    return lines.some(({ broken }) => broken.length > 0) ? 1 : 0
  },
}

function open(name: string | undefined, { kernel, policy, set, schedule }: Wishes): Opened {
  const scenario = scenarios.find((each) => each.name === name)
  const known = scenarios.map((each) => each.name).join(', ')
  if (scenario === undefined)
    throw new UserError(`There is no scenario "${name ?? ''}"; known are ${known}.`)
  const params = Object.entries(pairs(set)).map(([key, value]) => [key, Number(value)])
  const wrong = judgePolicies(policies, pairs(policy))
  if (wrong !== undefined) throw new UserError(wrong)
  const opened = openScenario(scenario, {
    ...(kernel === undefined ? {} : { preset: kernel }),
    policies: pairs(policy),
    params: Object.fromEntries(params),
  })
  if (typeof opened === 'string') throw new UserError(opened)
  if (schedule !== undefined) opened.timeline.load(choicesOf(schedule))
  return opened
}

/** The choices of a link, or of a file that holds one. */
function choicesOf(text: string): readonly Choice[] {
  const link = readLink(text.includes('#') ? text : readInput(text))
  if (!link.ok) throw new UserError(link.error.sentence)
  if (link.value.choices === undefined)
    throw new UserError('The link holds no schedule of its own.')
  return link.value.choices
}

function play(timeline: Timeline<Kernel>): TraceLine[] {
  const lines: TraceLine[] = []
  while (timeline.cursor < timeline.length) {
    const refused = timeline.seek(timeline.cursor + 1)
    if (refused !== undefined) throw new UserError(refused)
    lines.push({
      moment: timeline.moments.at(-1) as Moment,
      changes: timeline.changes(),
      broken: timeline
        .standings()
        .filter(({ invariant, since }) => invariant.kind === 'always' && since === timeline.cursor)
        .map(({ invariant, finding }) => `${invariant.claim} ${finding?.says ?? ''}`.trim()),
    })
  }
  return lines
}

const traceStep = (k: Kernel, { moment, changes, broken }: TraceLine, step: number): TraceStep => ({
  step,
  who: moment.who,
  operation: moment.operation,
  name: moment.step ?? null,
  fn: moment.fn,
  does: moment.does,
  returned: moment.returned ?? null,
  changed: changes.filter(isWorthTelling).map((change) => changedField(k, change)),
  broken,
})

function mailText(
  { scenario, preset, setup, timeline }: Opened,
  lines: readonly TraceLine[],
): string {
  const { policies, params } = setup
  const { choices } = timeline.branch
  const cursor = timeline.length
  const link = writeLink({ scenario: scenario.name, preset, policies, params, cursor, choices })
  return mailTrace(timeline.kernel, { scenario: scenario.name, preset, policies, link }, lines)
}

function printStep({ step, who, fn, does, returned, changed, broken }: TraceStep): void {
  const end = returned === null ? '' : `  = ${returned}`
  say(`${String(step).padStart(4)}  ${who.padEnd(14)} ${fn}()${end}`)
  say(`      ${does}`)
  for (const { where, field, before, after } of changed)
    say(`        ${where}.${field}: ${before} -> ${after}`)
  for (const claim of broken) say(`    ! ${claim}`)
}
