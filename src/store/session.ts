import { type Choice, judgePolicies } from '../machine'
import { type Opened, openScenario, type Request, setupOf } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { getState, setState } from './store'

/** Steps that a run may take before it is stopped: a kernel may retry for ever. */
const MAX_RUN = 400

/** After every change of the timeline: the state is the same object, so a number says that it changed. */
const changed = (notice?: string): void =>
  setState(({ version }) => ({ version: version + 1, notice }))

/** Shows an opened scenario in place of the one that is there. */
export function show(opened: Opened, notice?: string): void {
  setState({ opened, isPlaying: false, selected: undefined, hovered: undefined, focus: 0 })
  changed(notice)
}

/** Opens a scenario; what cannot be opened is said, and what is there stays. */
export function openScenarioWith(scenario: Scenario, request: Request = {}): void {
  const opened = openScenario(scenario, request)
  if (typeof opened === 'string') setState({ notice: opened })
  else show(opened)
}

/** Policies that were chosen one by one: those of the kernel itself go when another kernel is chosen. */
export function ownPolicies({ scenario, preset, setup }: Opened): Record<string, string> {
  const usual = setupOf(scenario, { preset })
  const rows = typeof usual === 'string' ? {} : usual.policies
  const own = Object.entries(setup.policies).filter(([name, value]) => rows[name] !== value)
  return Object.fromEntries(own)
}

/** The same scenario under another policy or parameter, at the same moment if it has one. */
export function changeSetup(change: Request): void {
  const { opened } = getState()
  const { cursor } = opened.timeline
  const request = {
    preset: change.preset ?? opened.preset,
    policies: { ...ownPolicies(opened), ...change.policies },
    params: { ...opened.setup.params, ...change.params },
  }
  const wrong = judgePolicies(getState().policies, change.policies ?? {})
  const next = wrong ?? openScenario(opened.scenario, request)
  if (typeof next === 'string') {
    setState({ notice: next })
    return
  }
  const refused = next.timeline.seek(cursor)
  show(next, refused)
}

/** Takes one choice; a refusal is said in words, and changes nothing. */
export function take(choice: Choice): boolean {
  const refused = getState().opened.timeline.take(choice)
  changed(refused)
  return refused === undefined
}

/** Begins an operation, and with `run` goes on until it is done, or waits. */
export function begin(
  task: number,
  operation: string,
  args: Readonly<Record<string, number | string>>,
  run: boolean,
): void {
  if (take({ kind: 'start', task, operation, args }) && run) runTask(task)
}

export function stepTask(task: number, choice = 0): void {
  take({ kind: 'step', task, choice })
}

/** Runs a thread until it is done, waits, or stands before the step `until` of the operation it is in. */
export function runTask(task: number, until?: string): void {
  const { timeline } = getState().opened
  const { machine } = timeline.kernel
  for (let steps = 0; machine.canStep(task); steps++) {
    if (steps === MAX_RUN) {
      changed(`Stopped after ${MAX_RUN} steps: this thread may never come to an end.`)
      return
    }
    if (steps > 0 && until !== undefined && machine.stepName(task) === until) break
    const refused = timeline.take({ kind: 'step', task, choice: 0 })
    if (refused !== undefined) {
      changed(refused)
      return
    }
  }
  changed(machine.waiting(task)?.reason)
}

export const seek = (moment: number): void => changed(getState().opened.timeline.seek(moment))

/** One moment back or forth; playing ends at the end. */
export function move(by: number): void {
  const { timeline } = getState().opened
  seek(timeline.cursor + by)
  if (timeline.cursor >= timeline.length) setState({ isPlaying: false })
}

export function togglePlay(): void {
  const { isPlaying, opened } = getState()
  if (!isPlaying && opened.timeline.cursor >= opened.timeline.length) seek(0)
  setState({ isPlaying: !isPlaying })
}

export const chooseBranch = (id: number): void => changed(getState().opened.timeline.switchTo(id))

export function renameBranch(name: string): void {
  const trimmed = name.trim().slice(0, 40)
  if (trimmed !== '') getState().opened.timeline.rename(trimmed)
  changed()
}
