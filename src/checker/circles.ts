import type { Graph } from './graph'
import { ENDS, INSIDE } from './moves'

/** Every set of states that steps inside calls can go round in, fair or not; the nearest state of each first. */
export const circlesOf = (graph: Graph): number[][] => (hasWayBack(graph) ? components(graph) : [])

/** States are numbered by their distance, so that a circle has a move to a number that is not larger. */
function hasWayBack(graph: Graph): boolean {
  for (let state = 0; state < graph.expanded; state++)
    for (let move = graph.first(state); move < graph.end(state); move++)
      if (graph.target(move) <= state && graph.kind(move) === INSIDE) return true
  return false
}

/** Moves inside calls that stay among the states. */
function insideMoves(graph: Graph, states: readonly number[]): number[] {
  const members = new Set(states)
  return states
    .flatMap((state) => movesOf(graph, state))
    .filter((move) => graph.kind(move) === INSIDE && members.has(graph.target(move)))
}

const movesOf = (graph: Graph, state: number): number[] => {
  const first = graph.first(state)
  return Array.from({ length: graph.end(state) - first }, (_, i) => first + i)
}

/** The threads that can take a step of a call in a state. */
const ableIn = (graph: Graph, state: number): number[] =>
  movesOf(graph, state)
    .filter((move) => graph.kind(move) === INSIDE || graph.kind(move) === ENDS)
    .map((move) => graph.task(move))

/** True if no thread is kept from a step that it could take in every one of the states. */
export function isFair(graph: Graph, states: readonly number[]): boolean {
  const movers = new Set(insideMoves(graph, states).map((move) => graph.task(move)))
  const kept = new Set(ableIn(graph, states[0] as number))
  for (const state of states) {
    const tasks = ableIn(graph, state)
    for (const task of kept) if (!tasks.includes(task)) kept.delete(task)
  }
  return [...kept].every((task) => movers.has(task))
}

/** True if a step inside a call leads from the state to itself. */
function hasLoop(graph: Graph, state: number): boolean {
  for (let move = graph.first(state); move < graph.end(state); move++)
    if (graph.target(move) === state && graph.kind(move) === INSIDE) return true
  return false
}

/**
 * The strongly connected components over moves inside calls that have such a move, by Tarjan, without
 * recursion.
 */
function components(graph: Graph): number[][] {
  const { expanded } = graph
  const index = new Int32Array(expanded)
  const low = new Int32Array(expanded)
  const isOpen = new Uint8Array(expanded)
  const next = new Int32Array(expanded)
  const open: number[] = []
  const path: number[] = []
  const found: number[][] = []
  let count = 0
  const enter = (state: number): void => {
    count += 1
    index[state] = count
    low[state] = count
    next[state] = graph.first(state)
    isOpen[state] = 1
    open.push(state)
    path.push(state)
  }
  const leave = (state: number): void => {
    path.pop()
    const above = path.at(-1)
    if (above !== undefined) low[above] = Math.min(low[above] as number, low[state] as number)
    if (low[state] !== index[state]) return
    // Almost all have one state, and no way back to it.
    if (open.at(-1) === state && !hasLoop(graph, state)) {
      open.pop()
      isOpen[state] = 0
      return
    }
    const members = open.splice(open.lastIndexOf(state))
    for (const member of members) isOpen[member] = 0
    found.push(members.sort((a, b) => a - b))
  }
  for (let start = 0; start < expanded; start++) {
    if (index[start] !== 0) continue
    enter(start)
    while (path.length > 0) {
      const state = path.at(-1) as number
      const move = next[state] as number
      if (move === graph.end(state)) {
        leave(state)
        continue
      }
      next[state] = move + 1
      const to = graph.target(move)
      if (graph.kind(move) !== INSIDE || to >= expanded) continue
      if (index[to] === 0) enter(to)
      else if (isOpen[to] === 1) low[state] = Math.min(low[state] as number, index[to] as number)
    }
  }
  return found
}

/**
 * A way round of a fair circle, from a state back to it, on which no thread is kept from a step that it
 * could take all the time. The shortest, if that is fair; else one that is led past what it lacks.
 */
export function fairRound(graph: Graph, states: readonly number[], start: number): number[] {
  const members = new Set(states)
  const wanted: number[] = []
  for (;;) {
    const round = roundBy(graph, members, start, wanted)
    const kept = keptOn(graph, round)
    if (kept === undefined) return round
    wanted.push(kept)
  }
}

/** A way round on which each of these threads takes a step, or comes to a state in which it cannot. */
function roundBy(
  graph: Graph,
  members: ReadonlySet<number>,
  start: number,
  wanted: readonly number[],
): number[] {
  const moves: number[] = []
  let at = start
  for (const task of wanted) {
    moves.push(
      ...wayTo(graph, members, at, (move) => {
        const isStep = graph.task(move) === task
        return isStep || !ableIn(graph, graph.target(move)).includes(task)
      }),
    )
    at = graph.target(moves.at(-1) as number)
  }
  if (at === start && moves.length > 0) return moves
  return [...moves, ...wayTo(graph, members, at, (move) => graph.target(move) === start)]
}

/** A thread that could take a step all the way round, and takes none. */
function keptOn(graph: Graph, round: readonly number[]): number | undefined {
  const movers = new Set(round.map((move) => graph.task(move)))
  const states = round.map((move) => graph.source(move))
  return ableIn(graph, states[0] as number).find(
    (task) => !movers.has(task) && states.every((state) => ableIn(graph, state).includes(task)),
  )
}

/** The shortest way from a state, along moves inside calls among the members, to a move that is wanted. */
function wayTo(
  graph: Graph,
  members: ReadonlySet<number>,
  from: number,
  isWanted: (move: number) => boolean,
): number[] {
  const via = new Map<number, number>()
  const wayBack = (last: number): number[] => {
    const way = [last]
    for (let state = graph.source(last); state !== from; state = graph.source(way[0] as number))
      way.unshift(via.get(state) as number)
    return way
  }
  const queue = [from]
  for (const state of queue)
    for (const move of movesOf(graph, state)) {
      const to = graph.target(move)
      if (graph.kind(move) !== INSIDE || !members.has(to)) continue
      if (isWanted(move)) return wayBack(move)
      if (via.has(to) || to === from) continue
      via.set(to, move)
      queue.push(to)
    }
  throw new Error('a circle has a way from each state to each')
}
