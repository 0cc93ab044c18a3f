import type { AnyKernel, Invariant, Steppable } from '../machine'
import { addTo, Claims } from './claims'
import { Hearing, type News, Telling } from './dialect'
import { Graph, type PackedGraph } from './graph'
import { KnownMoves } from './known-moves'
import { headWords, type Letter, LetterPad, rowsOf } from './letter'
import { type Move, Moves, type Programs } from './moves'
import { Owners } from './owners'
import { roomFor } from './part-values'
import { Points } from './points'
import { StateTable } from './state-table'

/** A search can be shared out among so many: a move has four bits for the owner of the state behind it. */
export const MAX_SHARDS = 16
const OWNER_BITS = 4

/** What a shard has to say when it has made the moves of one level. */
export interface Expanded {
  /** What the rows of this message are to be read with. */
  readonly news: News
  /** The states that were expanded, by this shard’s numbers and as rows, with the properties that are broken or shown there. */
  readonly states: Int32Array<ArrayBuffer>
  readonly level: Letter
  /** Their moves, in the same order: to own states, or to others’ (`ownerIn`, `rowIn`). */
  readonly graph: PackedGraph
  /** For each owner the states of its that these moves lead to, with the properties that are to be asked of them. */
  readonly letters: readonly Letter[]
  /** Bytes that the shard takes. */
  readonly bytes: number
}

/** How a move’s target names a state of another shard: by its owner, and the row in the letter to it. */
const elsewhere = (owner: number, row: number): number => ~((row << OWNER_BITS) | owner)
export const ownerIn = (target: number): number => ~target & (MAX_SHARDS - 1)
export const rowIn = (target: number): number => ~target >>> OWNER_BITS

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
  letter: Letter,
  row: number,
  hearing: Hearing,
  table: StateTable,
  claims: Claims<K>,
): number {
  const known = table.size
  const head = headWords(claims.setWords)
  const state = hearing.find(letter, row, head)
  const { rows, columns } = letter
  if (state === known) claims.askSome(state, rows, row * (head + columns) + head - claims.setWords)
  return state
}

/** Which shard one is, of how many, and whose positions say which of them has a state. */
export interface Seat {
  readonly self: number
  readonly shards: number
  readonly threads: readonly number[]
}

/**
 * One of several searches that share the states out among themselves: it makes the moves
 * of its own states and asks the properties of them. States of others it sends to their owner. All shards
 * go one level at a time.
 *
 * A property is asked of a state only where a place was written, on the way from the state before, that
 * the property looked at. Who makes the move decides: the state before was asked, or is as one that was,
 * at an earlier level, and what was looked at there all shards have learned before this level begins.
 */
export class Shard<K extends AnyKernel & Steppable<K>> {
  private readonly table: StateTable
  private readonly claims: Claims<K>
  private readonly moves: Moves<K>
  private readonly points: Points<K>
  private readonly known: KnownMoves<K>
  private readonly telling: Telling
  private readonly hearings: readonly Hearing[]
  /** Own states that are to be expanded next. */
  private next: number[]
  private graph = new Graph()
  private readonly letters: readonly LetterPad[]
  private readonly self: number
  private readonly owners: Owners<K>
  /** By state: the hash that says whose it is. */
  private hashes = new Int32Array(1 << 10)
  /** For each property, how many of the states that break or show it were told. */
  private readonly told: number[]

  /** The kernel is the shard’s own, and is at the state where the search begins. */
  constructor(
    kernel: K,
    programs: Programs<K>,
    invariants: readonly Invariant<K>[],
    { self, shards, threads }: Seat,
  ) {
    this.self = self
    this.table = new StateTable(kernel.heap)
    this.moves = new Moves(kernel, programs)
    this.points = new Points(kernel, this.table)
    this.owners = new Owners(kernel, this.table, threads, shards)
    this.known = new KnownMoves(kernel, this.moves, this.points, (from, difference) =>
      this.owners.turn(from, difference),
    )
    this.claims = new Claims(kernel, invariants, this.points)
    this.claims.first()
    this.told = invariants.map(() => 0)
    this.telling = new Telling(this.table)
    this.hearings = Array.from({ length: shards }, () => new Hearing(this.table))
    this.letters = this.hearings.map(() => new LetterPad(this.table, this.claims.setWords))
    this.next = this.owners.of(0) === self ? [0] : []
  }

  /** Makes the moves of the next level, when it has learned what properties looked at elsewhere. */
  expand(looked: readonly Int32Array[]): Expanded {
    for (const pairs of looked) this.claims.learn(pairs)
    const states = this.next
    const level = this.levelOf(states)
    this.next = []
    this.graph = new Graph()
    this.claims.nextLevel()
    for (const state of states) {
      for (const task of this.moves.threads)
        for (const move of this.known.of(task, state)) this.visit(state, task, move)
      this.graph.close()
    }
    return {
      news: this.telling.news(),
      states: Int32Array.from(states),
      level,
      graph: this.graph.pack(),
      letters: this.letters.map((letter) => letter.seal()),
      bytes: this.table.bytes + this.points.memory.bytes,
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
    const homes = new Int32Array(rowsOf(letter, this.claims.setWords))
    for (let row = 0; row < homes.length; row++) {
      const known = this.table.size
      const state = takeIn(letter, row, hearing, this.table, this.claims)
      if (state === known) this.take(state, this.owners.hashOf(state))
      homes[row] = state
    }
    return homes
  }

  private visit(from: number, task: number, move: Move): void {
    const { table } = this
    const hash = (this.hashes[from] as number) ^ move.turn
    const owner = this.owners.of(hash)
    table.draft(from, move)
    if (owner !== this.self) {
      const row = (this.letters[owner] as LetterPad).write(this.claims.concerned(move.places))
      this.graph.add(elsewhere(owner, row), task, move.kind)
      return
    }
    const known = table.size
    const to = table.findDraft()
    this.graph.add(to, task, move.kind)
    if (to !== known) return
    this.take(to, hash)
    this.claims.visit(to, move.places)
  }

  /** A state of one's own is to be expanded next. */
  private take(state: number, hash: number): void {
    this.hashes = roomFor(this.hashes, state + 1)
    this.hashes[state] = hash
    this.next.push(state)
  }

  private levelOf(states: readonly number[]): Letter {
    const { setWords } = this.claims
    const sets = this.foundIn(states)
    const pad = this.letters[this.self] as LetterPad
    states.forEach((state, i) => {
      this.table.draftAgain(state)
      pad.write(sets.subarray(i * setWords, (i + 1) * setWords))
    })
    return pad.seal()
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
