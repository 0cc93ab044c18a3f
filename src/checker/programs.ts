import type { Kernel } from '../linux/kernel'
import { type Call, type Choice, type Program, Timeline } from '../machine'
import type { Act, Beat } from '../scenarios/scenario'

/** What each thread of a story calls, in its own order and at any time: the story without its schedule. */
export function programsOf(story: readonly Beat[]): ReadonlyMap<string, Program<Kernel>> {
  const programs = new Map<string, Call<Kernel>[]>()
  for (const act of story.flatMap(({ acts }) => acts)) {
    const call = callOf(act)
    if (call !== undefined) programs.set(act.who, [...(programs.get(act.who) ?? []), call])
  }
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
 * Brings a fresh kernel to a moment of a schedule. What the threads call from there on is what they
 * begin in the rest of it, with the arguments that it has there. A sentence says where it cannot go on.
 */
export function playTo(
  k: Kernel,
  { choices, moment }: Beginning,
): ReadonlyMap<string, Program<Kernel>> | string {
  const timeline = new Timeline(k)
  timeline.load(choices)
  const refused = timeline.seek(choices.length)
  if (refused !== undefined) return refused
  const programs = new Map<string, Call<Kernel>[]>()
  for (const { choice, who } of timeline.moments.slice(moment)) {
    if (choice.kind !== 'start') continue
    const { operation, args } = choice
    const call = { operation: () => operation, args: () => args }
    programs.set(who, [...(programs.get(who) ?? []), call])
  }
  timeline.seek(moment)
  return programs
}
