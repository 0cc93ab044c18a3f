import type { Kernel } from '../linux/kernel'
import { type Call, type Choice, type Program, Timeline } from '../machine'
import { freshKernel, openScenario, type Request, setupOf } from '../scenarios/open'
import type { Act, Beat, Scenario, Setup } from '../scenarios/scenario'

/** A kernel from which a search begins, what was done to get there, and what the threads call from there on. */
export interface Start {
  readonly kernel: Kernel
  readonly setup: Setup
  readonly done: readonly Choice[]
  readonly programs: ReadonlyMap<string, Program<Kernel>>
}

/** Where the threads of a scenario become free, or a sentence where the request names what there is not. */
export function startOf(scenario: Scenario, request: Request): Start | string {
  const { story, freeFrom } = scenario
  const first = story.findIndex(({ title }) => title === freeFrom)
  if (first <= 0) {
    const setup = setupOf(scenario, request)
    if (typeof setup === 'string') return setup
    return { kernel: freshKernel(scenario, setup), setup, done: [], programs: programsOf(story) }
  }
  const opened = openScenario(scenario, request)
  if (typeof opened === 'string') return opened
  const { timeline, passages, setup } = opened
  const rest = story.slice(first)
  const passage = passages.find(({ title }) => rest.some((beat) => beat.title === title))
  timeline.seek(passage?.from ?? timeline.length)
  const done = timeline.branch.choices.slice(0, timeline.cursor)
  return { kernel: timeline.kernel, setup, done, programs: programsOf(rest) }
}

/** What each thread of a story calls, in its own order and at any time: the story without its schedule. */
export const programsOf = (story: readonly Beat[]): Start['programs'] =>
  byThread(story.flatMap(({ acts }) => acts.map((act) => [act.who, callOf(act)])))

/** The calls of each thread, in their order. */
function byThread(
  calls: readonly (readonly [who: string, call: Call<Kernel> | undefined])[],
): Start['programs'] {
  const programs = new Map<string, Call<Kernel>[]>()
  for (const [who, call] of calls)
    if (call !== undefined) programs.set(who, [...(programs.get(who) ?? []), call])
  return programs
}

/** An act that begins an operation is a call; one that goes on with what is begun is not. */
function callOf({ operation, args, when }: Act): Call<Kernel> | undefined {
  if (operation === undefined) return undefined
  return {
    operation: typeof operation === 'string' ? () => operation : operation,
    args: args ?? (() => ({})),
    ...(when === undefined ? {} : { when }),
  }
}

/** A moment of a schedule that a search is to begin at. */
export interface Beginning {
  readonly choices: readonly Choice[]
  readonly moment: number
}

/**
 * A moment of a schedule. What the threads call from there on is what they begin in the rest of it, with
 * the arguments that it has there. A sentence says where it cannot be played.
 */
export function startAt(
  scenario: Scenario,
  request: Request,
  { choices, moment }: Beginning,
): Start | string {
  const setup = setupOf(scenario, request)
  if (typeof setup === 'string') return setup
  const kernel = freshKernel(scenario, setup)
  const timeline = new Timeline(kernel)
  timeline.load(choices)
  const refused = timeline.seek(choices.length)
  if (refused !== undefined) return refused
  const programs = byThread(
    timeline.moments.slice(moment).map(({ choice, who }) => [who, begunBy(choice)]),
  )
  timeline.seek(moment)
  return { kernel, setup, done: choices.slice(0, moment), programs }
}

/** The same call again, if the choice begins one. */
function begunBy(choice: Choice): Call<Kernel> | undefined {
  if (choice.kind !== 'start') return undefined
  const { operation, args } = choice
  return { operation: () => operation, args: () => args }
}
