import { mailTrace } from '../formats/mail-trace'
import { writeLink } from '../formats/permalink'
import type { TraceLine } from '../machine'
import { type Opened, openScenario } from '../scenarios/open'
import { parse } from './arguments'
import type { Command } from './command'
import { say, sayJson, UserError } from './output'
import { scheduled } from './schedule'
import { requestOf, setupOptions } from './setup'
import { play, printStep, traceSteps } from './trace'

const options = {
  ...setupOptions,
  schedule: { type: 'string' },
  json: { type: 'boolean' },
  text: { type: 'boolean' },
} as const

export const run: Command = {
  usage:
    'run [SCENARIO] [--kernel V] [--policy P=V]… [--set NAME=VALUE]… [--schedule FILE|LINK] [--json|--text]',
  does: 'The trace: steps, changed fields, violations. A schedule is played under the scenario, kernel, policies and parameters that it names, where nothing else is said. Exit 1 if a property breaks.',
  run(args) {
    const { values, positionals } = parse(args, options, 1)
    const { scenario, given } = scheduled(positionals[0], values.schedule)
    const opened = openScenario(scenario, requestOf(values, given?.request))
    if (typeof opened === 'string') throw new UserError(opened)
    const { timeline } = opened
    if (given?.choices !== undefined) timeline.load(given.choices)
    const lines = play(timeline)
    const trace = traceSteps(timeline.kernel, lines)
    if (values.json === true) sayJson({ scenario: scenario.name, steps: trace })
    else if (values.text === true) say(mailText(opened, lines))
    else trace.forEach(printStep)
    return lines.some(({ broken }) => broken.length > 0) ? 1 : 0
  },
}

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
