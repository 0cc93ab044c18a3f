import {
  type Answer,
  Check,
  type Example,
  type PropertyAnswer,
  type Question,
  type Reduction,
} from '../checker/check'
import { writeLink } from '../formats/permalink'
import type { Choice } from '../machine'
import type { Scenario } from '../scenarios/scenario'
import { UserError } from './output'

/** What a check was asked, and what it found. */
export interface Result {
  readonly scenario: Scenario
  readonly question: Question
  readonly answer: Answer
  readonly leftOut: readonly Reduction[]
  /** Steps that set the scene, before the search began. */
  readonly begins: number
  /** The broken property with the shortest schedule. */
  readonly broken: PropertyAnswer | undefined
  /** What a schedule is to lead to: a property, `hang NAME` or `livelock`. */
  readonly what: string | undefined
  readonly example: Example | undefined
  readonly seconds: number
}

/** A check that can be made, of which the example can be asked; what cannot be is a sentence. */
export function checkOf(
  scenario: Scenario,
  question: Question,
  example: string | undefined,
): Check {
  const found = Check.of(scenario, question)
  if (typeof found === 'string') throw new UserError(found)
  if (example !== undefined) judgeExample(found, question, example)
  return found
}

function judgeExample({ search }: Check, { properties }: Question, example: string): void {
  const { tasks } = search.kernel
  const threads = tasks.rows().map(({ name }) => `hang ${name}`)
  const progress = [...threads, 'livelock']
  if (properties !== undefined && progress.includes(example))
    throw new UserError(
      `--property asks for no hangs and livelocks: leave it out, or "${example}".`,
    )
  const names = search.claims.list.map(({ invariant }) => invariant.name)
  const known = properties === undefined ? [...names, ...progress] : names
  if (!known.includes(example))
    throw new UserError(`There is no schedule to "${example}"; known are ${known.join(', ')}.`)
}

export function resultOf(
  asked: Pick<Result, 'scenario' | 'question' | 'seconds'>,
  found: Check,
  wanted: string | undefined,
): Result {
  const answer = found.answer()
  const [broken] = answer.properties
    .filter(({ verdict }) => verdict === 'broken')
    .sort((a, b) => (a.depth ?? 0) - (b.depth ?? 0))
  const what = wanted ?? broken?.name ?? worst(answer)
  const example = what === undefined ? undefined : found.example(what)
  const { leftOut, begins } = found
  return { ...asked, answer, leftOut, begins, broken, what, example }
}

function worst({ hangs, livelock }: Answer): string | undefined {
  const [hang] = hangs
  if (hang !== undefined) return `hang ${hang.who}`
  return livelock === undefined ? undefined : 'livelock'
}

export const choicesOf = ({ example }: Result): readonly Choice[] | undefined =>
  example?.schedules[0]?.choices

export const rateOf = ({ answer, seconds }: Result): number =>
  Math.round(answer.states / Math.max(seconds, 1e-6))

/** A link to the schedule, with its `#`. */
export function linkOf({ scenario, question }: Result, choices: readonly Choice[]): string {
  const { preset = scenario.preset, policies = {}, params = {} } = question
  const cursor = choices.length
  return `#${writeLink({ scenario: scenario.name, preset, policies, params, cursor, choices })}`
}

/** Whether a search can say that nobody hangs or goes round: only one to the end, that is asked. */
export const progressKnown = ({ answer, question }: Result): 'known' | 'notAsked' | 'open' => {
  if (question.properties !== undefined) return 'notAsked'
  return answer.isComplete ? 'known' : 'open'
}

/** The answer as one document, which is a schedule file too where there is a schedule. */
export function asJson(result: Result) {
  const { scenario, question, answer, begins, broken, what, example, seconds } = result
  const { preset: kernel = scenario.preset, policies, params } = question
  const { verdict, states, transitions, depth, limit, properties, hangs, livelock } = answer
  const choices = choicesOf(result)
  return {
    scenario: scenario.name,
    kernel,
    policies,
    params,
    verdict,
    states,
    transitions,
    depth,
    seconds: Number(seconds.toFixed(3)),
    statesPerSecond: rateOf(result),
    isReduced: answer.isReduced,
    begins,
    ...(limit === undefined ? {} : { limit }),
    ...(broken === undefined ? {} : { property: broken.name }),
    ...(choices === undefined
      ? {}
      : {
          example: what,
          schedule: choices,
          switches: example?.schedules[0]?.switches,
          asShort: example?.count,
          link: linkOf(result, choices),
        }),
    properties,
    hangsAndLivelocks: progressKnown(result),
    hangs,
    livelock: livelock ?? null,
  }
}
