import type { Kernel } from '../linux/kernel'
import type { Call, Program } from '../machine'
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
