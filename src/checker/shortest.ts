import type { AnyKernel, Choice, Steppable } from '../machine'
import type { Search } from './search'

/** A schedule, with how often another thread comes on. */
export interface Schedule {
  readonly choices: readonly Choice[]
  readonly switches: number
}

/** The shortest schedules to a set of states. */
export interface Shortest {
  /** How many there are in all. */
  readonly count: number
  /** The first of them, those with the fewest switches of threads first. */
  readonly schedules: readonly Schedule[]
}

/** A way that is begun: where it is, how it came there, and what it will have cost at least. */
interface Way {
  readonly state: number
  readonly task: number
  readonly switches: number
  readonly least: number
  readonly move: number
  readonly before: Way | undefined
}

/**
 * The shortest schedules to states that are all equally far away, up to `most` of them: those with the
 * fewest context switches first, and of those the ones whose threads have smaller numbers first.
 */
export function shortest<K extends AnyKernel & Steppable<K>>(
  search: Search<K>,
  targets: readonly number[],
  most: number,
): Shortest {
  const rest = new Rest(search, targets)
  const [first] = targets
  if (first === 0) return { count: 1, schedules: [{ choices: [], switches: 0 }] }
  const found: Way[] = []
  // By what a way will cost at least; what comes out at a target has just that cost.
  const open: Way[][] = [
    [{ state: 0, task: 0, switches: 0, least: 0, move: -1, before: undefined }],
  ]
  for (let cost = 0; cost < open.length && found.length < most; cost++) {
    const ways = open[cost] ?? []
    while (ways.length > 0 && found.length < most) {
      const way = ways.pop() as Way
      if (rest.isTarget(way.state)) found.push(way)
      else
        for (const next of rest.next(way)) {
          const list = open[next.least] ?? []
          open[next.least] = list
          list.push(next)
        }
    }
  }
  return { count: rest.count, schedules: found.map((way) => scheduleOf(search, way)) }
}

function scheduleOf<K extends AnyKernel & Steppable<K>>(search: Search<K>, way: Way): Schedule {
  const numbers: number[] = []
  for (let at: Way | undefined = way; at !== undefined && at.move >= 0; at = at.before)
    numbers.unshift(search.graph.number(at.move))
  return { choices: search.play(numbers), switches: way.switches }
}

/** The states from which a target can be reached in time, and what that costs. */
class Rest<K extends AnyKernel & Steppable<K>> {
  /** For each such state and each thread that moves first from it: the fewest switches from there on. */
  private readonly costs = new Map<number, ReadonlyMap<number, number>>()
  /** How many shortest ways lead on from a state. */
  private readonly counts = new Map<number, number>()
  private readonly targets: ReadonlySet<number>

  constructor(
    private readonly search: Search<K>,
    targets: readonly number[],
  ) {
    this.targets = new Set(targets)
    for (const target of targets) {
      this.costs.set(target, new Map())
      this.counts.set(target, 1)
    }
    const { levels } = search
    const level = search.levelOf(targets[0] ?? 0)
    for (let before = level - 1; before >= 0; before--)
      for (let state = levels[before] as number; state < (levels[before + 1] as number); state++)
        this.add(state, levels[before + 1] as number)
  }

  get count(): number {
    return this.counts.get(0) ?? 0
  }

  isTarget(state: number): boolean {
    return this.targets.has(state)
  }

  /** The ways that go on from one; the last is to be tried first. */
  next(way: Way): Way[] {
    const { graph, levels } = this.search
    const level = this.search.levelOf(way.state) + 1
    const ways: Way[] = []
    for (let move = graph.end(way.state) - 1; move >= graph.first(way.state); move--) {
      const state = graph.target(move)
      if (state < (levels[level] as number) || !this.costs.has(state)) continue
      const task = graph.task(move)
      const switches = way.switches + (way.task === 0 || way.task === task ? 0 : 1)
      ways.push({
        state,
        task,
        switches,
        least: switches + this.after(state, task),
        move,
        before: way,
      })
    }
    return ways
  }

  private add(state: number, nextLevel: number): void {
    const { graph } = this.search
    const costs = new Map<number, number>()
    let count = 0
    for (let move = graph.first(state); move < graph.end(state); move++) {
      const to = graph.target(move)
      if (to < nextLevel || !this.costs.has(to)) continue
      const task = graph.task(move)
      count += this.counts.get(to) as number
      costs.set(task, Math.min(costs.get(task) ?? Number.POSITIVE_INFINITY, this.after(to, task)))
    }
    if (count === 0) return
    this.costs.set(state, costs)
    this.counts.set(state, count)
  }

  /** The fewest switches from a state on, to which `task` has just led. */
  private after(state: number, task: number): number {
    if (this.isTarget(state)) return 0
    const costs = this.costs.get(state) as ReadonlyMap<number, number>
    return Math.min(...[...costs].map(([mover, cost]) => cost + (mover === task ? 0 : 1)))
  }
}
