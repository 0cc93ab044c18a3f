import { type Difference, differences } from '../arena'
import type { Kernel } from '../linux/kernel'
import { aligned, type Choice, playBoth, type Row, Timeline } from '../machine'
import { freshKernel, openScenario, type Request, setupOf } from './open'
import type { Scenario } from './scenario'

/** One schedule under two setups of a scenario. */
export interface TwoSetups {
  /** Both at the end of what they took of the schedule. */
  readonly a: Timeline<Kernel>
  readonly b: Timeline<Kernel>
  /** In what they differ before the first step. */
  readonly start: readonly Difference[]
  readonly rows: readonly Row[]
}

/**
 * Plays a schedule under two setups, side by side; without one, the schedule that the story has under
 * the first. A sentence says what of the setups cannot be.
 */
export function underTwoSetups(
  scenario: Scenario,
  a: Request,
  b: Request,
  choices?: readonly Choice[],
): TwoSetups | string {
  const schedule = choices ?? storyOf(scenario, a)
  if (typeof schedule === 'string') return schedule
  const left = timelineOf(scenario, a)
  const right = timelineOf(scenario, b)
  if (typeof left === 'string') return left
  if (typeof right === 'string') return right
  const start = differences(left.kernel.heap, right.kernel.heap)
  const told = playBoth(left, right, schedule)
  return { a: left, b: right, start, rows: aligned(told.a, told.b) }
}

/** The number of the first row that differs, from 0; undefined where both sides go the same. */
export function firstDifferent({ rows }: Pick<TwoSetups, 'rows'>): number | undefined {
  const at = rows.findIndex(({ isSame }) => !isSame)
  return at < 0 ? undefined : at
}

/** What a setup is called: its kernel, and the policies that were chosen beside it. */
export const setupTitle = ({ preset: usual }: Scenario, { preset, policies }: Request): string =>
  [
    preset ?? usual,
    ...Object.entries(policies ?? {}).map(([name, value]) => `${name}=${value}`),
  ].join(' ')

function storyOf(scenario: Scenario, request: Request): readonly Choice[] | string {
  const opened = openScenario(scenario, request)
  return typeof opened === 'string' ? opened : opened.timeline.branch.choices
}

function timelineOf(scenario: Scenario, request: Request): Timeline<Kernel> | string {
  const setup = setupOf(scenario, request)
  return typeof setup === 'string' ? setup : new Timeline(freshKernel(scenario, setup))
}
