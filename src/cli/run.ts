import { type Change, showValue } from '../arena'
import { readLink } from '../formats/permalink'
import type { Kernel } from '../linux/kernel'
import type { Choice, Moment, Timeline } from '../machine'
import { scenarios } from '../scenarios'
import { openScenario } from '../scenarios/open'
import { pairs, parse, readInput } from './arguments'
import type { Command } from './command'
import { say, sayJson, UserError } from './output'

const options = {
  kernel: { type: 'string' },
  policy: { type: 'string', multiple: true },
  set: { type: 'string', multiple: true },
  schedule: { type: 'string' },
  json: { type: 'boolean' },
} as const

interface Wishes {
  readonly kernel?: string | undefined
  readonly policy?: string[] | undefined
  readonly set?: string[] | undefined
  readonly schedule?: string | undefined
}

interface ChangedField {
  readonly where: string
  readonly field: string
  readonly before: string
  readonly after: string
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
  readonly changed: readonly ChangedField[]
  readonly broken: readonly string[]
}

export const run: Command = {
  usage:
    'run SCENARIO [--kernel V] [--policy P=V]… [--set NAME=VALUE]… [--schedule FILE|LINK] [--json]',
  does: 'The trace: steps, changed fields, violations. Exit 1 if a property breaks.',
  run(args) {
    const { values, positionals } = parse(args, options, 1)
    const trace = play(open(positionals[0], values))
    if (values.json === true) sayJson({ scenario: positionals[0], steps: trace })
    else trace.forEach(printStep)
    return trace.some(({ broken }) => broken.length > 0) ? 1 : 0
  },
}

function open(
  name: string | undefined,
  { kernel, policy, set, schedule }: Wishes,
): Timeline<Kernel> {
  const scenario = scenarios.find((each) => each.name === name)
  const known = scenarios.map((each) => each.name).join(', ')
  if (scenario === undefined)
    throw new UserError(`There is no scenario "${name ?? ''}"; known are ${known}.`)
  const params = Object.entries(pairs(set)).map(([key, value]) => [key, Number(value)])
  const opened = openScenario(scenario, {
    ...(kernel === undefined ? {} : { preset: kernel }),
    policies: pairs(policy),
    params: Object.fromEntries(params),
  })
  if (typeof opened === 'string') throw new UserError(opened)
  if (schedule !== undefined) opened.timeline.load(choicesOf(schedule))
  return opened.timeline
}

/** The choices of a link, or of a file that holds one. */
function choicesOf(text: string): readonly Choice[] {
  const link = readLink(text.includes('#') ? text : readInput(text))
  if (!link.ok) throw new UserError(link.error.sentence)
  if (link.value.choices === undefined)
    throw new UserError('The link holds no schedule of its own.')
  return link.value.choices
}

function play(timeline: Timeline<Kernel>): TraceStep[] {
  const trace: TraceStep[] = []
  while (timeline.cursor < timeline.length) {
    const refused = timeline.seek(timeline.cursor + 1)
    if (refused !== undefined) throw new UserError(refused)
    trace.push(traceStep(timeline, timeline.moments.at(-1) as Moment))
  }
  return trace
}

const traceStep = (timeline: Timeline<Kernel>, moment: Moment): TraceStep => ({
  step: timeline.cursor,
  who: moment.who,
  operation: moment.operation,
  name: moment.step ?? null,
  fn: moment.fn,
  does: moment.does,
  returned: moment.returned ?? null,
  changed: timeline
    .changes()
    .filter(isWorthTelling)
    .map((change) => changedField(timeline.kernel, change)),
  broken: timeline
    .standings()
    .filter(({ invariant, since }) => invariant.kind === 'always' && since === timeline.cursor)
    .map(({ invariant, finding }) => `${invariant.claim} ${finding?.says ?? ''}`.trim()),
})

/** The machine's own bookkeeping is not what changed in the kernel. */
const isWorthTelling = ({ table, field }: Change): boolean =>
  table !== 'frames' && !(table === 'tasks' && (field === 'depth' || field === 'ret'))

function changedField(k: Kernel, { table, where, field, before, after }: Change): ChangedField {
  const all = { ...k.heap.tables, ...k.heap.ranges }
  const kind = all[table as keyof typeof all]?.def.places.find(({ name }) => name === field)?.field
  const show = (value: unknown) =>
    value === undefined || kind === undefined ? 'nothing' : showValue(kind, value)
  const at = where.kind === 'row' ? `[${where.id}]` : ` 0x${where.start.toString(16)}`
  return { where: `${table}${at}`, field, before: show(before), after: show(after) }
}

function printStep({ step, who, fn, does, returned, changed, broken }: TraceStep): void {
  const end = returned === null ? '' : `  = ${returned}`
  say(`${String(step).padStart(4)}  ${who.padEnd(14)} ${fn}()${end}`)
  say(`      ${does}`)
  for (const { where, field, before, after } of changed)
    say(`        ${where}.${field}: ${before} -> ${after}`)
  for (const claim of broken) say(`    ! ${claim}`)
}
