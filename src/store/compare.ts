import { type Apart, SpaceComparison, type SpacesCompared } from '../checker/compare'
import { diffOfTraces } from '../formats/traces/two-traces'
import type { Kernel } from '../linux/kernel'
import type { Choice, Timeline } from '../machine'
import { openScenario, type Request } from '../scenarios/open'
import { setupTitle, type TwoSetups, underTwoSetups } from '../scenarios/two-setups'
import { ownPolicies, seek, show } from './session'
import { getState, setState } from './store'

export type { Apart, SpacesCompared, TwoSetups }

/** What a side is compared under: a kernel, and the policies that were chosen beside it. */
export type Setting = Required<Pick<Request, 'preset' | 'policies'>>

/** The setting that is open. */
export function settingNow(): Setting {
  const { opened } = getState()
  return { preset: opened.preset, policies: ownPolicies(opened) }
}

const requestOf = (setting: Setting): Request => ({
  ...setting,
  params: getState().opened.setup.params,
})

/** A schedule, at first the one that is open, under two settings. A sentence says what cannot be. */
export function compareSchedule(
  a: Setting,
  b: Setting,
  choices: readonly Choice[] = getState().opened.timeline.branch.choices,
): TwoSetups | string {
  return underTwoSetups(getState().opened.scenario, requestOf(a), requestOf(b), choices)
}

/** Both sides as `diff -u` prints them. */
export function diffText(a: Setting, b: Setting, { start, rows, ...sides }: TwoSetups): string {
  const { scenario } = getState().opened
  return diffOfTraces({
    a: { title: setupTitle(scenario, a), kernel: sides.a.kernel },
    b: { title: setupTitle(scenario, b), kernel: sides.b.kernel },
    start,
    rows,
  })
}

/** States that each side may have before a search on the page is stopped. */
const MAX_STATES = 200_000

/** Every interleaving under two settings, to be advanced in slices. */
export function compareSpaces(a: Setting, b: Setting): SpaceComparison | string {
  const limits = { maxStates: MAX_STATES }
  return SpaceComparison.of(getState().opened.scenario, requestOf(a), requestOf(b), limits)
}

/** Shows what a side did, at one of its moments; the schedule that is open stays where it is that one. */
export function showSide(setting: Setting, side: Timeline<Kernel>, moment: number): void {
  const { choices } = side.branch
  if (isOpen(setting, choices)) seek(moment)
  else showSchedule(setting, choices, moment)
}

/** Opens a schedule under a setting, as an ordinary timeline. */
export function showSchedule(setting: Setting, choices: readonly Choice[], moment: number): void {
  const opened = openScenario(getState().opened.scenario, requestOf(setting))
  if (typeof opened === 'string') {
    setState({ notice: opened })
    return
  }
  opened.timeline.load(choices)
  show(opened, opened.timeline.seek(moment))
}

function isOpen(setting: Setting, choices: readonly Choice[]): boolean {
  const { timeline } = getState().opened
  const isSetting = JSON.stringify(settingNow()) === JSON.stringify(setting)
  return isSetting && JSON.stringify(timeline.branch.choices) === JSON.stringify(choices)
}
