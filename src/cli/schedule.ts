import { readLink } from '../formats/permalink'
import { readSchedule } from '../formats/traces/choices'
import type { Choice } from '../machine'
import type { Request } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { readInput } from './arguments'
import { UserError } from './output'
import { judged, scenarioNamed } from './setup'

/** A schedule that was given, and of what it is one. */
interface GivenSchedule {
  /** The name of the scenario, where the file says it. */
  readonly scenario: string | undefined
  readonly request: Request
  /** Absent: the schedule of the story. */
  readonly choices: readonly Choice[] | undefined
}

/** The scenario of a name, or of the schedule that was given, and that schedule. */
export function scheduled(
  name: string | undefined,
  asked: string | undefined,
): { readonly scenario: Scenario; readonly given: GivenSchedule | undefined } {
  const given = asked === undefined ? undefined : scheduleIn(asked)
  const scenario = scenarioNamed(name ?? given?.scenario)
  if (given?.scenario !== undefined && given.scenario !== scenario.name)
    throw new UserError(`The schedule is of scenario "${given.scenario}".`)
  return { scenario, given }
}

/** What a link says, or a file that holds one, or one that the page saved, or that `check --json` printed. */
function scheduleIn(asked: string): GivenSchedule {
  const text = asked.includes('#') ? asked : readInput(asked)
  return /^\s*[[{]/.test(text) ? inFile(text) : inLink(text)
}

function inFile(text: string): GivenSchedule {
  const read = readSchedule(text)
  if (!read.ok) throw new UserError(read.error.sentence)
  const { scenario, kernel, policies = {}, params = {}, schedule } = read.value
  const request = { policies: judged(policies), params }
  return {
    scenario,
    request: kernel === undefined ? request : { preset: kernel, ...request },
    choices: schedule,
  }
}

function inLink(text: string): GivenSchedule {
  const link = readLink(text)
  if (!link.ok) throw new UserError(link.error.sentence)
  const { scenario, preset, policies, params, choices } = link.value
  const request = { policies: judged(policies), params }
  return { scenario, request: preset === '' ? request : { preset, ...request }, choices }
}
