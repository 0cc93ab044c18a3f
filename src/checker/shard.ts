import type { AnyKernel, Invariant, Steppable } from '../machine'
import { addTo, Claims } from './claims'
import { Hearing, type News, Telling } from './dialect'
import { Graph, type PackedGraph } from './graph'
import { KnownMoves } from './known-moves'
import { type Move, Moves, type Programs } from './moves'
import { Points } from './points'
import { StateTable } from './state-table'

/** States by the numbers of the shard that writes, and a row for each: the state, and a set of properties. */
export interface Letter {
  readonly states: Int32Array<ArrayBuffer>
  /** Columns of a row: as many as the table had. */
  readonly columns: number
  readonly rows: Int32Array<ArrayBuffer>
}

/** What a shard has to say when it has made the moves of one level. */
export interface Expanded {
  /** What the rows of this message are to be read with. */
  readonly news: News
  /** The states that were expanded, with the properties that are broken or shown there. */
  readonly level: Letter
  /** Their moves, in the same order, to states by this shard’s numbers. */
  readonly graph: PackedGraph
  /** For each owner the states of its that are new here, with the properties that are to be asked of them. */
  readonly letters: readonly Letter[]
}

/** Letters from one shard to another, with what they are to be read with. */
export interface Mail {
  readonly news: News
  readonly letter: Letter
}

/** What a shard has to say when it has read its mail. */
export interface Received {
  /** For each sender its states, in the order of the letter, by the owner’s numbers. */
  readonly homes: readonly Int32Array<ArrayBuffer>[]
  /** Places that properties looked at, which the others do not know of. */
  readonly looked: Int32Array<ArrayBuffer>
}

/** The number of a letter’s state in one’s own table; of a new one the properties are asked that are to be. */
export function takeIn<K extends AnyKernel & Steppable<K>>(
  { rows, columns }: Letter,
  row: number,
  hearing: Hearing,
  table: StateTable,
  claims: Claims<K>,
): number {
  const at = row * (2 + columns + claims.setWords)
  const known = table.size
  const state = hearing.find(rows, at, columns)
  if (state === known) claims.askSome(state, rows, at + 2 + columns)
  return state
}

/** Which of so many shards has a state. */
const ownerOf = (hashHi: number, shards: number): number => (hashHi >>> 6) % shards

/**
 * One of several searches that share the states out among themselves by their hashes: it makes the moves
 * of its own states and asks the properties of them. States of others it only notes, each once, and sends
 * them to their owner. All shards go one level at a time.
 *
 * A property is asked of a state only where a place was written, on the way from the state before, that
 * the property looked at. Who makes the move decides: the state before was asked, or is as one that was,
 * at an earlier level, and what was looked at there all shards have learned before this level begins.
 */
export class Shard<K extends AnyKernel & Steppable<K>> {
  private readonly table: StateTable
  private readonly claims: Claims<K>
  private readonly moves: Moves<K>
  private readonly known: KnownMoves<K>
  private readonly telling: Telling
  private readonly hearings: readonly Hearing[]
  /** Own states that are to be expanded next. */
  private next: number[]
  private graph = new Graph()
  private letters: { readonly states: number[]; readonly sets: number[] }[] = []
  /** For each property, how many of the states that break or show it were told. */
  private readonly told: number[]

  /** The kernel is the shard’s own, and is at the state where the search begins. */
  constructor(
    kernel: K,
    programs: Programs<K>,
    invariants: readonly Invariant<K>[],
    private readonly self: number,
    private readonly shards: number,
  ) {
    this.table = new StateTable(kernel.heap)
    this.moves = new Moves(kernel, programs)
    const points = new Points(kernel, this.table)
    this.known = new KnownMoves(kernel, this.moves, points)
    this.claims = new Claims(kernel, invariants, points)
    this.claims.first()
    this.told = invariants.map(() => 0)
    this.telling = new Telling(this.table)
    this.hearings = Array.from({ length: shards }, () => new Hearing(this.table))
    this.next = ownerOf(kernel.heap.arena.hashHi, shards) === self ? [0] : []
  }

  /** Makes the moves of the next level, when it has learned what properties looked at elsewhere. */
  expand(looked: readonly Int32Array[]): Expanded {
    for (const pairs of looked) this.claims.learn(pairs)
    const states = this.next
    const sets = this.foundIn(states)
    this.next = []
    this.graph = new Graph()
    this.letters = Array.from({ length: this.shards }, () => ({ states: [], sets: [] }))
    this.claims.nextLevel()
    for (const state of states) {
      for (const task of this.moves.threads)
        for (const move of this.known.of(task, state)) this.visit(state, task, move)
      this.graph.close()
    }
    return {
      news: this.telling.news(),
      level: this.letter(states, sets),
      graph: this.graph.pack(),
      letters: this.letters.map((letter) => this.letter(letter.states, letter.sets)),
    }
  }

  /** Takes in the states that others came upon; mail from oneself is left out. */
  receive(mail: readonly (Mail | undefined)[]): Received {
    const homes = mail.map((each, sender) =>
      each === undefined ? new Int32Array() : this.read(each, this.hearings[sender] as Hearing),
    )
    return { homes, looked: this.claims.unlearned }
  }

  private read({ news, letter }: Mail, hearing: Hearing): Int32Array<ArrayBuffer> {
    hearing.hear(news)
    return letter.states.map((_, i) => {
      const known = this.table.size
      const state = takeIn(letter, i, hearing, this.table, this.claims)
      if (state === known) this.next.push(state)
      return state
    })
  }

  private visit(from: number, task: number, move: Move): void {
    const { table, claims } = this
    const known = table.size
    const to = table.follow(from, move)
    this.graph.add(to, task, move.kind)
    if (to !== known) return
    const owner = ownerOf(table.hashHi(to), this.shards)
    if (owner === this.self) {
      this.next.push(to)
      claims.visit(to, move.places)
      return
    }
    const letter = this.letters[owner]
    letter?.states.push(to)
    letter?.sets.push(...claims.concerned(move.places))
  }

  private letter(states: readonly number[], sets: ArrayLike<number>): Letter {
    const { setWords } = this.claims
    const columns = this.table.changing.length
    const rows = new Int32Array(states.length * (2 + columns + setWords))
    let at = 0
    states.forEach((state, i) => {
      this.table.writeRow(state, rows, at)
      at += 2 + columns
      for (let word = 0; word < setWords; word++) rows[at++] = sets[i * setWords + word] as number
    })
    return { states: Int32Array.from(states), columns, rows }
  }

  /** For each of the states the properties that are broken or shown there and were not told. */
  private foundIn(states: readonly number[]): Int32Array {
    const { list, setWords } = this.claims
    const sets = new Int32Array(states.length * setWords)
    const news = list.map(({ states: found }, i) => found.slice(this.told[i]))
    if (news.every(({ length }) => length === 0)) return sets
    const places = new Map(states.map((state, i) => [state, i]))
    news.forEach((found, property) => {
      for (const state of found) {
        const place = places.get(state)
        if (place !== undefined) addTo(sets, property, place * setWords)
      }
      this.told[property] = (this.told[property] as number) + found.length
    })
    return sets
  }
}
