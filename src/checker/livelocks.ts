import type { AnyKernel, Choice, Steppable } from '../machine'
import { circlesOf, fairRound, isFair } from './circles'
import type { Search } from './search'

/** Threads that can go round for ever without any call coming to its end. */
export interface Livelock {
  /** Tasks that take steps on the way round. */
  readonly tasks: readonly number[]
  /** The nearest state of the circle. */
  readonly state: number
  /** A fair way round, from that state back to it: the shortest, if that is fair. */
  readonly round: readonly Choice[]
}

/**
 * The nearest circle of steps in which no call begins or ends, under weak fairness: a thread that can
 * take a step in every state of the circle takes one. Which of a step’s numbered choices is taken, and
 * whether an idle thread begins a call, is nobody’s duty. Undefined: there is none.
 */
export function livelock<K extends AnyKernel & Steppable<K>>(
  search: Search<K>,
): Livelock | undefined {
  const { graph } = search
  const circles = circlesOf(graph).filter((states) => isFair(graph, states))
  const [nearest] = circles.sort(([a = 0], [b = 0]) => a - b)
  const [state] = nearest ?? []
  if (nearest === undefined || state === undefined) return undefined
  const moves = fairRound(graph, nearest, state)
  const tasks = new Set(moves.map((move) => graph.task(move)))
  search.table.load(state)
  const round = moves.map((move) => search.moves.make(graph.number(move)))
  return { tasks: [...tasks].sort((a, b) => a - b), state, round }
}
