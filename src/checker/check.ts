import type { Kernel } from '../linux/kernel'
import type { Choice, Invariant } from '../machine'
import type { Request } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import type { Claimed } from './claims'
import { isConclusive } from './conclusive'
import { type Livelock, livelock } from './livelocks'
import { threadsToSplitBy } from './owners'
import { type Member, Pool } from './pool'
import { type Beginning, type Start, startAt, startOf } from './programs'
import { Search } from './search'
import { type Seat, Shard } from './shard'
import { type Schedule, shortest } from './shortest'
import { MAX_STATES } from './state-table'
import { type Hang, hangs } from './stuck'

/** What is asked of the checker, beside the scenario. */
export interface Question extends Request {
  /** Names of the properties; without them all that the scenario has, and hangs and livelocks. */
  readonly properties?: readonly string[]
  /** Go on to the last state, where one property is broken already. */
  readonly everything?: boolean
  /** Where to begin, if not at the beginning: the threads then call what the schedule has yet to call. */
  readonly from?: Beginning
  /** What to leave out: states that differ in which of some alike threads is where; orders of what is a thread’s own business. */
  readonly reduce?: readonly Reduction[]
  readonly maxStates?: number
  readonly maxBytes?: number
}

export const reductions = ['symmetry', 'localFirst'] as const
export type Reduction = (typeof reductions)[number]

/** What stopped a search before its end. */
export type Limit = 'states' | 'memory' | 'time' | 'cancel'

export interface PropertyAnswer {
  readonly name: string
  readonly kind: 'always' | 'sometimes'
  readonly claim: string
  /** `open`: the search ended before it could know; `notApplicable`: it came upon nothing that this speaks of. */
  readonly verdict: 'holds' | 'broken' | 'shown' | 'never' | 'notApplicable' | 'open'
  /** Steps of a shortest schedule that breaks or shows it. */
  readonly depth: number | undefined
  readonly says: string | undefined
}

/** A thread that can hang, and how soon. */
export interface HangAnswer extends Omit<Hang, 'state'> {
  readonly depth: number
}

export interface Answer {
  readonly verdict: 'holds' | 'broken' | 'hang' | 'livelock' | 'limit'
  readonly states: number
  readonly transitions: number
  /** Steps to the states that are farthest away. */
  readonly depth: number
  readonly limit: Limit | undefined
  /** Something was left out, and the counts are of what was not. */
  readonly isReduced: boolean
  /** Every state was explored, so that hangs and livelocks are known too, where all was asked. */
  readonly isComplete: boolean
  readonly properties: readonly PropertyAnswer[]
  readonly hangs: readonly HangAnswer[]
  /** Names of the threads that can go round for ever, and how soon. */
  readonly livelock:
    | { readonly who: readonly string[]; readonly depth: number; readonly round: number }
    | undefined
}

/** Shortest schedules to one thing, whole: with what was done before the search began. */
export interface Example {
  /** Steps that were done before the search began: at `begins + depth` steps the thing is reached. */
  readonly begins: number
  /** Steps; all the schedules have so many, the livelock’s one round more. */
  readonly depth: number
  /** How many schedules are as short. */
  readonly count: number
  /** Those with the fewest context switches first. */
  readonly schedules: readonly Schedule[]
}

/** When a search that is shared out makes a pause, and how: whoever it is for is heard then. */
export interface Pauses {
  isOver(): boolean
  pause(): Promise<void>
}

const USUAL_STATES = 5_000_000
const MAX_BYTES = 1 << 30

/** States that are expanded between two looks at whether to go on. */
const SLICE = 64

/**
 * One search of a scenario, in slices, so that whoever runs it can show how far it is, and stop it.
 * The kernel is its own: nobody else’s state changes.
 */
export class Check {
  /** What explores; another one, where a reduced search could not answer. */
  search: Search<Kernel>
  /** What is left out of it. */
  leftOut: readonly Reduction[]
  private readonly done: readonly Choice[]
  private stopped: Limit | undefined
  /** Comes when the search is stopped. */
  private readonly end: Promise<void>
  private endNow = () => {}
  private found:
    | { readonly hangs: readonly Hang[]; readonly livelock: Livelock | undefined }
    | undefined

  private constructor(
    private readonly start: Start,
    private readonly question: Question,
    private readonly invariants: readonly Invariant<Kernel>[],
    identical: readonly (readonly string[])[],
  ) {
    this.done = start.done
    this.end = new Promise((resolve) => {
      this.endNow = resolve
    })
    const { reduce = [] } = question
    this.search = new Search(start.kernel, start.programs, invariants, {
      identical: reduce.includes('symmetry') ? identical : [],
      localFirst: reduce.includes('localFirst'),
    })
    const { leavesOut } = this.search
    this.leftOut = reductions.filter((each) => leavesOut[each])
  }

  /** A sentence says what of the question cannot be. `watch` sees the kernel before anything is asked of it. */
  static of(
    scenario: Scenario,
    question: Question,
    watch: (kernel: Kernel) => void = () => {},
  ): Check | string {
    const begun = beginningOf(scenario, question, watch)
    if (typeof begun === 'string') return begun
    const { start, invariants } = begun
    return new Check(start, question, invariants, scenario.identical?.(start.setup) ?? [])
  }

  /** The threads by whose positions so many shards should share the states out, from what was seen so far. */
  threadsToSplitBy(shards: number): readonly number[] {
    return threadsToSplitBy(this.search, shards)
  }

  /** Steps that were done before the search began. */
  get begins(): number {
    return this.done.length
  }

  private get isReduced(): boolean {
    return this.leftOut.length > 0
  }

  /** False for a search that leaves something out: it hangs on the order of its states, and is made here. */
  get canBeShared(): boolean {
    return !this.isReduced
  }

  /**
   * Begins once more, with the moves made by shards of the same question, and goes on to the end; the
   * answer and the examples are the same. When `isOver` says so there is a pause.
   */
  async share(members: readonly Member[], { isOver, pause }: Pauses): Promise<void> {
    if (!this.canBeShared) throw new Error('a search that leaves something out is not shared')
    this.beginAgain()
    const pool = new Pool(this.search, members)
    do {
      await pause()
      while (!pool.isAhead(SLICE) && this.stopped === undefined)
        await Promise.race([pool.next(), this.end])
    } while (this.advance(() => isOver() || !pool.isAhead(SLICE)))
  }

  /** Goes on until `isOver` says to pause; false when there is nothing left to do. */
  advance(isOver: () => boolean): boolean {
    const { maxBytes = MAX_BYTES } = this.question
    const maxStates = Math.min(this.question.maxStates ?? USUAL_STATES, MAX_STATES)
    do {
      if (this.stopped !== undefined || this.isDecided) return false
      if (this.search.states >= maxStates) this.stopped = 'states'
      else if (this.search.bytes >= maxBytes) this.stopped = 'memory'
      else if (!this.expand(maxStates) && !this.searchAgain()) return false
      else if (this.isReduced && this.isSomethingFound) this.searchAgain()
    } while (!isOver())
    return true
  }

  /** Finds the moves of some states, while there are fewer than `maxStates`; false when there is no state left. */
  private expand(maxStates: number): boolean {
    for (let left = SLICE; left > 0 && this.search.states < maxStates; left--)
      if (!this.search.advance(1)) return false
    return true
  }

  private get isSomethingFound(): boolean {
    return this.search.claims.list.some(({ states }) => states.length > 0)
  }

  /** What a reduced search could not answer, one without reductions does. */
  private searchAgain(): boolean {
    if (!this.isReduced || isConclusive(this.search)) return false
    this.leftOut = []
    this.beginAgain()
    return true
  }

  /** Forgets what was searched. */
  beginAgain(): void {
    this.search.play([])
    this.search = new Search(this.start.kernel, this.start.programs, this.invariants)
  }

  /** Ends the search where it is; what it has found so far stays. */
  stop(limit: Limit): void {
    this.stopped ??= limit
    this.endNow()
  }

  /** Names of the properties that never came upon anything that they speak of. */
  private get notApplicable(): string[] {
    const { claims, table } = this.search
    const { partOf } = table.arena
    const isThere = table.parts.list.map(
      ({ table: name }, part) => name !== 'globalRows' && table.isEverThere(part),
    )
    return claims.list
      .filter(
        (_, i) =>
          !claims.readsOf(i).some((isRead, at) => isRead === 1 && isThere[partOf[at] as number]),
      )
      .map(({ invariant }) => invariant.name)
  }

  get progress(): Pick<Answer, 'states' | 'transitions' | 'depth'> & { readonly bytes: number } {
    const { states, transitions, depth, bytes } = this.search
    return { states, transitions, depth, bytes }
  }

  answer(): Answer {
    const { states, transitions, depth, isComplete, claims } = this.search
    const { hangs: hung, livelock: circle } = this.progressOf()
    const vacuous = new Set(isComplete ? this.notApplicable : [])
    const properties = claims.list.map((claimed) => this.propertyAnswer(claimed, vacuous))
    const limit = isComplete || this.isDecided ? undefined : this.stopped
    const isBroken = properties.some(({ verdict }) => verdict === 'broken')
    const verdict = isBroken
      ? 'broken'
      : hung.length > 0
        ? 'hang'
        : circle !== undefined
          ? 'livelock'
          : isComplete
            ? 'holds'
            : 'limit'
    return {
      verdict,
      states,
      transitions,
      depth,
      limit,
      isReduced: this.isReduced,
      isComplete,
      properties,
      hangs: hung.map(({ state, ...hang }) => ({ ...hang, depth: this.search.levelOf(state) })),
      livelock: circle && {
        who: circle.tasks.map((task) => nameOf(this.search.kernel, task)),
        depth: this.search.levelOf(circle.state),
        round: circle.round.length,
      },
    }
  }

  /**
   * Up to `most` shortest schedules to what breaks or shows a property, to the hang of a thread
   * (`hang NAME`), or into the `livelock`. Undefined where there is no such thing.
   */
  example(what: string, most = 1): Example | undefined {
    const { livelock: circle } = this.progressOf()
    if (what === 'livelock') {
      if (circle === undefined) return undefined
      return this.exampleOf([circle.state], most, circle.round)
    }
    const states = this.statesOf(what)
    return states.length === 0 ? undefined : this.exampleOf(states, most, [])
  }

  private exampleOf(states: readonly number[], most: number, after: readonly Choice[]): Example {
    const { count, schedules } = shortest(this.search, states, most)
    return {
      begins: this.begins,
      depth: this.search.levelOf(states[0] as number),
      count,
      schedules: schedules.map(({ choices, switches }) => ({
        choices: [...this.done, ...choices, ...after],
        switches,
      })),
    }
  }

  private statesOf(what: string): readonly number[] {
    const hang = this.progressOf().hangs.find(({ who }) => what === `hang ${who}`)
    if (hang !== undefined) return [hang.state]
    return this.search.claims.list.find(({ invariant }) => invariant.name === what)?.states ?? []
  }

  /** A property is broken, every state that is as near is known, and nothing more was asked. */
  private get isDecided(): boolean {
    if (this.question.everything === true || this.isReduced) return false
    const { claims, level } = this.search
    return claims.list.some(
      ({ invariant, states }) =>
        invariant.kind === 'always' &&
        states.length > 0 &&
        this.search.levelOf(states[0] as number) <= level,
    )
  }

  /** Hangs and livelocks, which only a whole search can tell; asked once. */
  private progressOf() {
    if (!this.search.isComplete || this.question.properties !== undefined)
      return { hangs: [], livelock: undefined }
    this.found ??= { hangs: hangs(this.search), livelock: livelock(this.search) }
    return this.found
  }

  private propertyAnswer(
    { invariant, states, finding }: Claimed<Kernel>,
    vacuous: ReadonlySet<string>,
  ): PropertyAnswer {
    const [state] = states
    const { name, kind, claim } = invariant
    const isAlways = kind === 'always'
    const reached = isAlways ? 'broken' : 'shown'
    const unreached = vacuous.has(name) ? 'notApplicable' : isAlways ? 'holds' : 'never'
    const verdict =
      state !== undefined ? reached : this.search.isComplete ? unreached : ('open' as const)
    const depth = state === undefined ? undefined : this.search.levelOf(state)
    return { name, kind, claim, verdict, depth, says: finding?.says }
  }
}

const nameOf = (k: Kernel, task: number): string => k.tasks.at(task).name

/** One of the shards of a question; a sentence says what of it cannot be. */
export function shardOf(
  scenario: Scenario,
  question: Question,
  seat: Seat,
): Shard<Kernel> | string {
  const begun = beginningOf(scenario, question)
  if (typeof begun === 'string') return begun
  const { start, invariants } = begun
  return new Shard(start.kernel, start.programs, invariants, seat)
}

function beginningOf(
  scenario: Scenario,
  question: Question,
  watch: (kernel: Kernel) => void = () => {},
): { readonly start: Start; readonly invariants: readonly Invariant<Kernel>[] } | string {
  const { from, properties } = question
  const start = from === undefined ? startOf(scenario, question) : startAt(scenario, question, from)
  if (typeof start === 'string') return start
  watch(start.kernel)
  const invariants = named(start.kernel, properties)
  return typeof invariants === 'string' ? invariants : { start, invariants }
}

function named(
  { invariants }: Kernel,
  names: readonly string[] | undefined,
): readonly Invariant<Kernel>[] | string {
  if (names === undefined) return invariants
  const unknown = names.find((name) => invariants.every((each) => each.name !== name))
  if (unknown === undefined) return invariants.filter(({ name }) => names.includes(name))
  const known = invariants.map(({ name }) => name).join(', ')
  return `The scenario has no property "${unknown}"; it has ${known}.`
}
