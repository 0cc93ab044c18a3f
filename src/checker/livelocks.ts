import type { AnyKernel, Choice, Steppable } from '../machine'
import type { Graph } from './graph'
import { ENDS, INSIDE } from './moves'
import type { Search } from './search'

/** Threads that can go round for ever without any call coming to its end. */
export interface Livelock {
  /** Tasks that take steps in the circle. */
  readonly tasks: readonly number[]
  /** The nearest state of the circle. */
  readonly state: number
  /** A shortest way round, from that state back to it. */
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
  const tasks = new Set(insideMoves(graph, nearest).map((move) => graph.task(move)))
  return { tasks: [...tasks].sort((a, b) => a - b), state, round: roundOf(search, nearest, state) }
}

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

/** True if no thread is kept from a step that it could take all the way round. */
function isFair(graph: Graph, states: readonly number[]): boolean {
  const movers = new Set(insideMoves(graph, states).map((move) => graph.task(move)))
  const able = (state: number): number[] =>
    movesOf(graph, state)
      .filter((move) => graph.kind(move) === INSIDE || graph.kind(move) === ENDS)
      .map((move) => graph.task(move))
  const kept = new Set(able(states[0] as number))
  for (const state of states) {
    const tasks = able(state)
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

/** Breadth first from the state back to it, without leaving the circle. */
function roundOf<K extends AnyKernel & Steppable<K>>(
  search: Search<K>,
  states: readonly number[],
  start: number,
): Choice[] {
  const { graph } = search
  const members = new Set(states)
  const via = new Map<number, number>()
  const queue = [start]
  for (const state of queue)
    for (const move of movesOf(graph, state)) {
      const to = graph.target(move)
      if (graph.kind(move) !== INSIDE || !members.has(to) || via.has(to)) continue
      via.set(to, move)
      if (to === start) return movesTo(search, via, start)
      queue.push(to)
    }
  return []
}

function movesTo<K extends AnyKernel & Steppable<K>>(
  search: Search<K>,
  via: ReadonlyMap<number, number>,
  start: number,
): Choice[] {
  const moves: number[] = []
  let state = start
  do {
    const move = via.get(state) as number
    moves.unshift(move)
    state = search.graph.source(move)
  } while (state !== start)
  search.table.load(start)
  return moves.map((move) => search.moves.make(search.graph.number(move)))
}
