import { type Beginning, startAt, startOf } from '../checker/programs'
import { modelOf } from '../checker/promela'
import { mailTrace } from '../formats/mail-trace'
import { type TraceLine, traceLineNow } from '../machine'
import { openScenario, type Request } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { linkNow } from './link'
import { ownPolicies } from './session'
import type { Asked } from './state'
import { getState } from './store'

/** A file that the reader can save. */
export interface Export {
  readonly name: string
  readonly text: string
}

/** The schedule up to its end, with what it is a schedule of: what `run --schedule` reads. */
export function scheduleFile(): Export {
  const { opened } = getState()
  const { scenario, preset, setup, timeline } = opened
  const document = {
    scenario: scenario.name,
    kernel: preset,
    policies: ownPolicies(opened),
    params: setup.params,
    schedule: timeline.branch.choices,
  }
  return { name: `${scenario.name}.json`, text: `${JSON.stringify(document, null, 2)}\n` }
}

/** The plain text that fits a mail, up to the moment that is shown, or a sentence why there is none. */
export function mailText(address: string): Export | string {
  const { opened } = getState()
  const { scenario, preset, setup, timeline: shown } = opened
  const link = linkNow()
  if ('refused' in link) return link.refused
  const { policies, params } = setup
  const copy = openScenario(scenario, { preset, policies: ownPolicies(opened), params })
  if (typeof copy === 'string') return copy
  const { timeline } = copy
  timeline.load(shown.branch.choices)
  const lines: TraceLine[] = []
  while (timeline.cursor < shown.cursor) {
    const refused = timeline.seek(timeline.cursor + 1)
    if (refused !== undefined) return refused
    lines.push(traceLineNow(timeline))
  }
  const head = { scenario: scenario.name, preset, policies, link: `${address}#${link.fragment}` }
  return { name: `${scenario.name}.txt`, text: mailTrace(timeline.kernel, head, lines) }
}

/** States of a model that the page writes itself; larger ones are for the terminal. */
export const MOST_STATES = 20_000

/** What the terminal is asked for a model that is too large for the page. */
export function promelaCommand(
  { scenario, request }: Asked,
  property: string,
  states: string,
): string {
  const { preset = scenario.preset, policies = {}, params = {} } = request
  const chosen = [
    ...(preset === scenario.preset ? [] : [`--kernel ${preset}`]),
    ...Object.entries(policies).map(([name, value]) => `--policy ${name}=${value}`),
    ...Object.entries(params).map(([name, value]) => `--set ${name}=${value}`),
  ]
  const asked = [`--property ${property}`, `--max-states ${states}`]
  return ['pinhole promela', scenario.name, ...chosen, ...asked].join(' ')
}

/** A scenario and one property as a model for SPIN, or a sentence why there is none. */
export function promelaFile(
  scenario: Scenario,
  request: Request,
  property: string,
  from?: Beginning,
): Export | string {
  const start = from === undefined ? startOf(scenario, request) : startAt(scenario, request, from)
  if (typeof start === 'string') return start
  const model = modelOf(scenario, start, { ...request, property, most: MOST_STATES })
  if (typeof model === 'string') return model
  return { name: `${scenario.name}.${property}.pml`, text: model.text }
}
