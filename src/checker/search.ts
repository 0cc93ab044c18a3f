import type { AnyKernel, Choice, Invariant, Steppable } from '../machine'
import { Claims } from './claims'
import { Graph } from './graph'
import { KnownMoves } from './known-moves'
import { LocalMoves } from './local-moves'
import { type Kind, type Move, Moves, type Programs } from './moves'
import { roomFor } from './part-values'
import { Points } from './points'
import { StateTable } from './state-table'
import { Symmetry } from './symmetry'

/** Moves that one state may have: their number is kept in a byte. */
const MAX_MOVES = 256

/** What may be left out, because it is only another order or another name of what is searched. */
export interface Reductions {
  /** Groups of names of threads that may be taken for each other. */
  readonly identical?: readonly (readonly string[])[]
  /** Moves that are their thread's own business go first. */
  readonly localFirst?: boolean
}

/** Hears of a move, whose target is in the table: as its last, where it is new. */
export type Meet = (to: number, isNew: boolean, task: number, kind: Kind) => void

/** Somebody who has made the moves of a search, elsewhere. */
export interface Teller {
  /** Tells the moves of a state in their order, and asks the properties of the new states. */
  tell(state: number, meet: Meet): void
  /** Bytes that this takes, there and here. */
  readonly bytes: number
}

/**
 * A search through every interleaving, breadth first: states are numbered in the order in which they
 * were reached, so that a smaller number is never farther from the start.
 *
 * Beside each state stand the state that it was first reached from and the number of the move: five
 * bytes, from which the schedule is played again. The initial state is number 0.
 */
export class Search<K extends AnyKernel & Steppable<K>> {
  readonly table: StateTable
  readonly graph = new Graph()
  readonly claims: Claims<K>
  readonly moves: Moves<K>
  /** The first state of each level; level n is n moves from the start. */
  readonly levels: number[] = [0]
  private parents = new Int32Array(1 << 10)
  private numbers = new Uint8Array(1 << 10)
  private readonly symmetry: Symmetry<K> | undefined
  private readonly local: LocalMoves<K> | undefined
  private teller: Teller | undefined
  private readonly points: Points<K>
  private readonly known: KnownMoves<K>
  private current = 0
  private number = 0

  constructor(
    readonly kernel: K,
    programs: Programs<K> = new Map(),
    invariants: readonly Invariant<K>[] = kernel.invariants,
    { identical = [], localFirst = false }: Reductions = {},
  ) {
    this.table = new StateTable(kernel.heap)
    this.moves = new Moves(kernel, programs)
    const symmetry = new Symmetry(kernel, programs, identical)
    if (symmetry.isUseful) this.symmetry = symmetry
    if (localFirst) this.local = new LocalMoves(kernel, this.moves)
    this.points = new Points(kernel, this.table)
    this.known = new KnownMoves(kernel, this.moves, this.points)
    this.claims = new Claims(kernel, invariants, this.points)
    this.claims.first()
  }

  /** Which of the reductions there is anything to leave out for. */
  get leavesOut(): { readonly symmetry: boolean; readonly localFirst: boolean } {
    return { symmetry: this.symmetry !== undefined, localFirst: this.local !== undefined }
  }

  /** True when the moves of every state are known. */
  get isComplete(): boolean {
    return this.graph.expanded === this.table.size
  }

  get states(): number {
    return this.table.size
  }

  get transitions(): number {
    return this.graph.length
  }

  /** Moves to the states that are farthest away. */
  get depth(): number {
    return this.levels.length - 1
  }

  get bytes(): number {
    const { table, graph, numbers, points, teller } = this
    return (
      table.bytes + graph.bytes + 5 * numbers.length + points.memory.bytes + (teller?.bytes ?? 0)
    )
  }

  /** The level whose states are expanded next. */
  get level(): number {
    return this.levelOf(this.graph.expanded)
  }

  /** Has the moves of all states told by somebody who makes them, in the same order, from here on. */
  listenTo(teller: Teller): void {
    this.teller = teller
  }

  /** Finds the moves of up to so many states; false when there is no state left. */
  advance(states: number): boolean {
    for (let left = states; left > 0; left--) {
      if (this.isComplete) return false
      this.expand(this.graph.expanded)
    }
    return !this.isComplete
  }

  /** True if what the reductions took for granted was so everywhere. Asked of a search that is complete. */
  get isSound(): boolean {
    return this.local?.isSound(this.claims) ?? true
  }

  /** How many moves a state is from the start. */
  levelOf(state: number): number {
    let low = 0
    let high = this.levels.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.levels[middle] as number) <= state) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** A shortest schedule to a state: the one that was found first. */
  schedule(state: number): Choice[] {
    const numbers: number[] = []
    for (let at = state; at > 0; at = this.parents[at] as number)
      numbers.push(this.numbers[at] as number)
    return this.play(numbers.reverse())
  }

  /** Plays moves from the start, by their numbers, and leaves the kernel where they lead. */
  play(numbers: readonly number[]): Choice[] {
    this.table.load(0)
    return numbers.map((number) => this.moves.make(number))
  }

  private expand(state: number): void {
    if (state === this.levels.at(-1)) this.claims.nextLevel()
    this.current = state
    this.number = 0
    if (this.teller !== undefined) this.teller.tell(state, this.meet)
    else if (this.local !== undefined) this.expandLocalFirst(this.local)
    else for (const task of this.moves.threads) this.follow(task, this.movesOf(task))
    this.graph.close()
  }

  /** One thread's own business first, unless that leads to where one was before: others must not starve. */
  private expandLocalFirst(local: LocalMoves<K>): void {
    this.table.load(this.current)
    const first = local.first()
    const known = this.table.size
    const movesOf = (task: number) =>
      this.made(task, (tell) => local.of(task, tell, task === first))
    if (first !== undefined) {
      this.follow(first, movesOf(first))
      if (this.table.size - known === this.number) return
    }
    for (const task of this.moves.threads) if (task !== first) this.follow(task, movesOf(task))
  }

  /** The moves of a thread: known ones, but where the threads are sorted, by whoever looks at all of them. */
  private movesOf(task: number): readonly Move[] {
    return this.symmetry === undefined
      ? this.known.of(task, this.current)
      : this.made(task, (tell) => this.moves.of(task, tell))
  }

  /** Makes the moves of a thread, as `of` does it. */
  private made(task: number, of: (tell: (task: number, kind: Kind) => void) => void): Move[] {
    return this.known.make(task, this.current, (tell) => {
      of((mover, kind) => {
        this.symmetry?.sort()
        tell(mover, kind)
      })
    })
  }

  private follow(task: number, moves: readonly Move[]): void {
    const { table } = this
    for (const move of moves) {
      const known = table.size
      const to = table.follow(this.current, move)
      this.meet(to, to === known, task, move.kind)
      if (to === known) this.claims.visit(to, move.places)
    }
  }

  private readonly meet: Meet = (to, isNew, task, kind) => {
    this.graph.add(to, task, kind)
    if (isNew) this.reach(to)
    this.number += 1
  }

  private reach(state: number): void {
    if (this.number >= MAX_MOVES) throw new Error(`a state has more than ${MAX_MOVES} moves`)
    if (this.current >= (this.levels.at(-1) as number)) this.levels.push(state)
    this.parents = roomFor(this.parents, state + 1)
    this.numbers = roomFor(this.numbers, state + 1)
    this.parents[state] = this.current
    this.numbers[state] = this.number
  }
}
