import type { Difference } from '../arena'
import type { Choice, Row } from '../machine'
import type { Request } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { firstDifferent, underTwoSetups } from '../scenarios/two-setups'
import { canonical, type Keys } from './canonical'
import { type Answer, Check, type Limit } from './check'
import { shortest } from './shortest'

/** How many states there are, and how many contents the kernel’s memory has in them. */
export interface Counts {
  readonly states: number
  readonly memories: number
}

/** The nearest state that one side alone can reach. */
export interface Apart {
  /** True where the kernel’s memory tells it apart; else only where a thread stands does. */
  readonly isInMemory: boolean
  /** The shortest schedule with the fewest context switches. */
  readonly choices: readonly Choice[]
  readonly switches: number
  /** How many schedules are as short. */
  readonly count: number
  /** What is the first step that the other side takes differently on this schedule, or not at all. */
  readonly first: Row | undefined
}

export interface SpaceSide {
  readonly answer: Answer
  readonly all: Counts
  /** What the other side never reaches; undefined where the other side was not searched to its end. */
  readonly only: Counts | undefined
  readonly nearest: Apart | undefined
}

/** A verdict that is another one on the other side. */
export interface VerdictPair {
  readonly name: string
  readonly a: string
  readonly b: string
}

export interface SpacesCompared {
  readonly a: SpaceSide
  readonly b: SpaceSide
  readonly both: Counts
  /** Fields that never change and have another value on the other side: they are not compared. */
  readonly leftOut: readonly Difference[]
  readonly verdicts: readonly VerdictPair[]
}

/** States whose keys are made between two looks at whether to go on. */
const SLICE = 256

interface Known {
  /** The keys of the states that were looked at. */
  readonly states: Set<string>
  readonly memories: Set<string>
  looked: number
}

type Letter = 'a' | 'b'
const other = { a: 'b', b: 'a' } as const

/** Searches the whole spaces of a scenario under two setups, and compares them, in slices. */
export class SpaceComparison {
  private keys: ReturnType<typeof canonical> | undefined
  private readonly known: Readonly<Record<Letter, Known>> = { a: nothing(), b: nothing() }

  private constructor(
    private readonly scenario: Scenario,
    private readonly requests: Readonly<Record<Letter, Request>>,
    private readonly checks: Readonly<Record<Letter, Check>>,
  ) {}

  /** A sentence says what of the setups cannot be. `maxStates` is for each side. */
  static of(
    scenario: Scenario,
    a: Request,
    b: Request,
    limits: { readonly maxStates?: number; readonly maxBytes?: number } = {},
  ): SpaceComparison | string {
    const left = Check.of(scenario, { ...a, ...limits, everything: true })
    const right = Check.of(scenario, { ...b, ...limits, everything: true })
    if (typeof left === 'string') return left
    if (typeof right === 'string') return right
    return new SpaceComparison(scenario, { a, b }, { a: left, b: right })
  }

  /** Goes on until `isOver` says to pause; false when there is nothing left to do. */
  advance(isOver: () => boolean): boolean {
    for (const letter of ['a', 'b'] as const) if (this.checks[letter].advance(isOver)) return true
    this.keys ??= canonical(this.checks.a.search, this.checks.b.search)
    for (const letter of ['a', 'b'] as const)
      while (this.look(letter, this.keys[letter])) if (isOver()) return true
    return false
  }

  /** Ends the searches where they are; what they have reached is compared all the same. */
  stop(limit: Limit): void {
    this.checks.a.stop(limit)
    this.checks.b.stop(limit)
  }

  /** States that each side has reached, and how many of both were compared. */
  get progress(): { readonly a: number; readonly b: number; readonly compared: number } {
    const { a, b } = this.checks
    const compared = this.known.a.looked + this.known.b.looked
    return { a: a.progress.states, b: b.progress.states, compared }
  }

  /** What there is to say when `advance` has come to its end. */
  result(): SpacesCompared {
    const { a, b } = this.known
    const both = {
      states: shared(a.states, b.states),
      memories: shared(a.memories, b.memories),
    }
    const left = this.side('a', both)
    const right = this.side('b', both)
    const verdicts = verdictPairs(left.answer, right.answer)
    return { a: left, b: right, both, leftOut: this.keys?.leftOut ?? [], verdicts }
  }

  private look(letter: Letter, keys: Keys): boolean {
    const known = this.known[letter]
    const end = Math.min(known.looked + SLICE, this.checks[letter].search.states)
    for (let state = known.looked; state < end; state++) {
      known.states.add(keys.whole(state))
      known.memories.add(keys.memory(state))
    }
    known.looked = end
    return end < this.checks[letter].search.states
  }

  private side(letter: Letter, both: Counts): SpaceSide {
    const { states, memories } = this.known[letter]
    const all = { states: states.size, memories: memories.size }
    const answer = this.checks[letter].answer()
    if (!this.checks[other[letter]].search.isComplete)
      return { answer, all, only: undefined, nearest: undefined }
    const only = { states: all.states - both.states, memories: all.memories - both.memories }
    return { answer, all, only, nearest: this.nearest(letter, only) }
  }

  private nearest(letter: Letter, only: Counts): Apart | undefined {
    if (only.states === 0 || this.keys === undefined) return undefined
    const { search } = this.checks[letter]
    const keys = this.keys[letter]
    const there = this.known[other[letter]]
    const isInMemory = only.memories > 0
    const isApart = (state: number): boolean =>
      isInMemory ? !there.memories.has(keys.memory(state)) : !there.states.has(keys.whole(state))
    let first = 0
    while (!isApart(first)) first += 1
    const end = search.levels[search.levelOf(first) + 1] ?? search.states
    const targets = Array.from({ length: end - first }, (_, i) => first + i).filter(isApart)
    const { count, schedules } = shortest(search, targets, 1)
    const { choices = [], switches = 0 } = schedules[0] ?? {}
    return { isInMemory, choices, switches, count, first: this.firstStep(letter, choices) }
  }

  private firstStep(letter: Letter, choices: readonly Choice[]): Row | undefined {
    const { a, b } = this.requests
    const played = underTwoSetups(this.scenario, a, b, choices)
    if (typeof played === 'string') throw new Error(`${letter}: ${played}`)
    const at = firstDifferent(played)
    return at === undefined ? undefined : played.rows[at]
  }
}

const nothing = (): Known => ({ states: new Set(), memories: new Set(), looked: 0 })

function shared(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let count = 0
  for (const key of a) if (b.has(key)) count += 1
  return count
}

/** What both sides know, and say differently. */
function verdictPairs(a: Answer, b: Answer): VerdictPair[] {
  const left = verdictsOf(a)
  const right = verdictsOf(b)
  const names = [...new Set([...left.keys(), ...right.keys()])]
  return names.flatMap((name) => {
    const pair = { name, a: left.get(name) ?? absent(a), b: right.get(name) ?? absent(b) }
    const isKnown = pair.a !== 'open' && pair.b !== 'open'
    return isKnown && pair.a !== pair.b ? [pair] : []
  })
}

/** Properties, threads that can hang, and whether there is a livelock. */
const verdictsOf = ({ properties, hangs, livelock }: Answer): Map<string, string> =>
  new Map([
    ...properties.map(({ name, verdict }) => [name, verdict] as const),
    ...hangs.map(({ who }) => [`hang ${who}`, 'can hang'] as const),
    ...(livelock === undefined ? [] : [['livelock', 'can go round'] as const]),
  ])

/** Only a search that came to its end can say that something cannot happen. */
const absent = ({ limit }: Answer): string => (limit === undefined ? 'never' : 'open')
