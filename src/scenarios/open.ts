import type { Kernel } from '../linux/kernel'
import { presetFor, presets } from '../linux/presets'
import { type Choice, type Evidence, type Moment, Timeline } from '../machine'
import type { Act, OftenSaid, Scenario, Setup } from './scenario'

/** A passage of the story with the moments that it covers: (from, to]. */
export interface Passage {
  readonly title: string
  readonly text: string
  readonly from: number
  readonly to: number
  readonly evidence: Evidence | undefined
  readonly oftenSaid: OftenSaid | undefined
}

export interface Opened {
  readonly scenario: Scenario
  readonly setup: Setup
  readonly preset: string
  readonly timeline: Timeline<Kernel>
  readonly passages: readonly Passage[]
  /** What ran at each moment of the story. */
  readonly story: readonly Moment[]
}

/** What may be asked of a scenario; everything here may come from a link or a command line. */
export interface Request {
  readonly preset?: string
  readonly policies?: Readonly<Record<string, string>>
  readonly params?: Readonly<Record<string, number>>
}

/**
 * Opens a scenario at moment 0 with its whole story as the schedule.
 * The answer is a sentence where the request names something that there is not.
 */
export function openScenario(scenario: Scenario, request: Request = {}): Opened | string {
  const setup = setupOf(scenario, request)
  if (typeof setup === 'string') return setup
  const timeline = new Timeline(freshKernel(scenario, setup))
  const passages = playStory(timeline, scenario, setup)
  const story = [...timeline.moments]
  timeline.seek(0)
  const preset = request.preset ?? scenario.preset
  return { scenario, setup, preset, timeline, passages, story }
}

/** What a scenario without wishes is started with: the policies of 6.12. */
export const defaultSetup: Setup = {
  policies: presets.find(({ name }) => name === 'v6.12')?.policies ?? {},
  params: {},
}

/** The state of moment 0, with a journal that begins there. */
export function freshKernel(scenario: Scenario, setup: Setup): Kernel {
  const kernel = scenario.build(setup)
  kernel.heap.arena.journal.length = 0
  return kernel
}

/** Checks a request against what there is; its policies are the caller’s to judge, who has their list. */
export function setupOf(scenario: Scenario, request: Request): Setup | string {
  const name = request.preset ?? scenario.preset
  const preset = presets.find((each) => each.name === name)
  if (preset === undefined)
    return `There is no kernel preset "${name}"; known are ${presets.map((each) => each.name).join(', ')}.`
  const params = paramsOf(scenario, request.params ?? {})
  if (typeof params === 'string') return params
  return { policies: { ...preset.policies, ...scenario.starts, ...request.policies }, params }
}

function paramsOf(
  scenario: Scenario,
  asked: Readonly<Record<string, number>>,
): Record<string, number> | string {
  const values: Record<string, number> = {}
  for (const [name, { initial }] of Object.entries(scenario.params)) values[name] = initial
  for (const [name, value] of Object.entries(asked)) {
    const param = Object.hasOwn(scenario.params, name) ? scenario.params[name] : undefined
    if (param === undefined) return `Scenario ${scenario.name} has no parameter "${name}".`
    if (!Number.isInteger(value) || value < param.min || value > param.max)
      return `Parameter ${name} takes a whole number from ${param.min} to ${param.max}.`
    values[name] = value
  }
  return values
}

/** A recording speaks for the rules of its kernel alone, and for how it was set up there. */
export function isAsRecorded({ recorded, starts }: Scenario, { policies: chosen }: Setup): boolean {
  if (recorded === undefined) return false
  const usual = { ...presetFor(recorded.kernel)?.policies, ...starts }
  return Object.entries(usual).every(([name, value]) => chosen[name] === value)
}

/** A passage in which nothing happens under these policies is left out. */
function playStory(timeline: Timeline<Kernel>, scenario: Scenario, setup: Setup): Passage[] {
  const usual = isAsRecorded(scenario, setup) ? 'recorded' : undefined
  const passages = scenario.story.map(({ title, text, acts, evidence, oftenSaid }) => {
    const from = timeline.cursor
    for (const act of acts) playAct(timeline, act)
    const { kernel, cursor: to } = timeline
    const tell = <T>(told: T | ((policies: Setup['policies'], k: Kernel) => T)): T =>
      told instanceof Function ? told(setup.policies, kernel) : told
    return { title, text: tell(text), from, to, evidence: tell(evidence) ?? usual, oftenSaid }
  })
  return passages.filter(({ from, to }) => from < to)
}

/** Steps of one act before something must be wrong with the story. */
const MAX_ACT = 500

function playAct(timeline: Timeline<Kernel>, act: Act): void {
  const { kernel } = timeline
  if (act.when?.(kernel) === false) return
  const task = kernel.tasks.find(({ name }) => name === act.who)
  if (task === undefined) throw new Error(`story: there is no thread ${act.who}`)
  if (act.operation !== undefined) {
    const { operation: named } = act
    const operation = typeof named === 'string' ? named : named(kernel)
    const args = { ...kernel.machine.operation(operation)?.initialArgs, ...act.args?.(kernel) }
    tell(timeline, { kind: 'start', task: task.id, operation, args })
  }
  const ends = [act.until ?? []].flat()
  for (let steps = 0; steps < MAX_ACT; steps++) {
    const next = kernel.machine.frames(task.id)[0]?.step.name
    const isEnd = next !== undefined && ends.includes(next)
    if (!kernel.machine.canStep(task.id) || isEnd) return
    tell(timeline, { kind: 'step', task: task.id, choice: 0 })
  }
  throw new Error(`story: ${act.who} does not come to an end`)
}

function tell(timeline: Timeline<Kernel>, choice: Choice): void {
  const refused = timeline.take(choice)
  if (refused !== undefined) throw new Error(`story: ${refused}`)
}
