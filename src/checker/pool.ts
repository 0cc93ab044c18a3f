import type { AnyKernel, Steppable } from '../machine'
import { Hearing } from './dialect'
import { Graph } from './graph'
import { roomFor } from './part-values'
import type { Meet, Search, Teller } from './search'
import { type Expanded, type Mail, ownerIn, type Received, rowIn, takeIn } from './shard'

/** A shard, wherever it runs. */
export interface Member {
  expand(looked: readonly Int32Array[]): Promise<Expanded>
  receive(mail: readonly (Mail | undefined)[]): Promise<Received>
}

/** What one shard has told of its states, by its own numbers. */
interface Directory {
  /** Where a state stands in the message of its level. */
  places: Int32Array<ArrayBuffer>
  /** The number + 1 that it has in the search; 0 as long as it has none. */
  numbers: Int32Array<ArrayBuffer>
}

/** What a shard said of one level, and, as soon as they have, what the others said of its letters. */
interface Told extends Expanded {
  readonly moves: Graph
  /** For each owner the numbers that it gave to the states of the letter. */
  homes: readonly Int32Array[]
}

/**
 * A search whose moves are made by shards. They find every state and every move, in some order; here
 * they are taken up in the order in which a search by itself would come upon them, so that the states
 * have the same numbers, and everything that is asked of the search has the same answer.
 *
 * While a level is taken up the shards are at the one after the next.
 */
export class Pool<K extends AnyKernel & Steppable<K>> implements Teller {
  private readonly directories: readonly Directory[]
  private readonly hearings: readonly Hearing[]
  /** What the shards said of each level; nothing of those that are taken up. */
  private readonly levels: Told[][] = []
  /** For each level the states up to its end. */
  private readonly ends: number[] = []
  /** By the search’s numbers: the shard that has a state, and its number there. */
  private shards = new Uint8Array(1 << 10)
  private locals = new Int32Array(1 << 10)
  private level = 0
  private coming: Promise<() => void>

  constructor(
    private readonly search: Search<K>,
    private readonly members: readonly Member[],
  ) {
    this.hearings = members.map(() => new Hearing(search.table))
    this.directories = members.map(() => ({
      places: new Int32Array(1 << 10),
      numbers: new Int32Array(1 << 10),
    }))
    search.listenTo(this)
    this.coming = unheard(this.begin())
  }

  /** True if the moves of so many more states are known, or of all that there are. */
  isAhead(states: number): boolean {
    const known = this.ends.at(-2) ?? 0
    return this.isOver || known - this.search.graph.expanded >= states
  }

  /** Waits until the moves of one more level are known. */
  async next(): Promise<void> {
    const take = await this.coming
    take()
  }

  /** What the shards have, and what they said and is not taken up yet. */
  get bytes(): number {
    const last = this.levels.at(-1) ?? []
    const there = last.reduce((sum, { bytes }) => sum + bytes, 0)
    const waiting = this.levels
      .flat()
      .reduce((sum, { moves, level }) => sum + moves.bytes + level.rows.byteLength, 0)
    return there + waiting + 5 * this.locals.length
  }

  tell(state: number, meet: Meet): void {
    while (state >= (this.ends[this.level] as number)) {
      this.levels[this.level] = []
      this.level += 1
    }
    const shard = this.shards[state] as number
    const { moves, homes } = this.told(this.level, shard)
    const place = this.directories[shard]?.places[this.locals[state] as number] as number
    for (let move = moves.first(place); move < moves.end(place); move++) {
      const known = this.search.states
      const target = moves.target(move)
      const to =
        target >= 0
          ? this.numberOf(shard, target)
          : this.numberOf(ownerIn(target), homes[ownerIn(target)]?.[rowIn(target)] as number)
      meet(to, to === known, moves.task(move), moves.kind(move))
    }
  }

  private told(level: number, shard: number): Told {
    return (this.levels[level] as Told[])[shard] as Told
  }

  /** The last level that was told has no states. */
  private get isOver(): boolean {
    return this.ends.length > 1 && this.ends.at(-1) === this.ends.at(-2)
  }

  private async begin(): Promise<() => void> {
    const told = await Promise.all(this.members.map((member) => member.expand([])))
    return () => {
      this.note(told)
      const owner = told.findIndex(({ states }) => states.length > 0)
      const { numbers } = this.directories[owner] as Directory
      numbers[0] = 1
      this.shards[0] = owner
      this.coming = unheard(this.round(told))
    }
  }

  /** The letters of one level go round, and the moves of the next are made. */
  private async round(told: readonly Expanded[]): Promise<() => void> {
    const received = await Promise.all(
      this.members.map((member, reader) =>
        member.receive(
          told.map(({ news, letters }, sender) =>
            sender === reader ? undefined : { news, letter: letters[reader] as Mail['letter'] },
          ),
        ),
      ),
    )
    const looked = received.map((each) => each.looked)
    const next = await Promise.all(this.members.map((member) => member.expand(looked)))
    return () => {
      for (const pairs of looked) this.search.claims.learn(pairs)
      this.levels.at(-1)?.forEach((each, sender) => {
        each.homes = received.map(({ homes }) => homes[sender] as Int32Array)
      })
      this.note(next)
      if (!this.isOver) this.coming = unheard(this.round(next))
    }
  }

  private note(told: readonly Expanded[]): void {
    let count = this.ends.at(-1) ?? 0
    told.forEach(({ news, states }, shard) => {
      this.hearings[shard]?.hear(news)
      const directory = this.directories[shard] as Directory
      states.forEach((state, place) => {
        directory.places = roomFor(directory.places, state + 1)
        directory.places[state] = place
        directory.numbers = roomFor(directory.numbers, state + 1)
      })
      count += states.length
    })
    this.ends.push(count)
    this.levels.push(told.map((each) => ({ ...each, moves: Graph.of(each.graph), homes: [] })))
  }

  /** The search’s number of a state, by its owner and the number that it has there. */
  private numberOf(owner: number, home: number): number {
    const { numbers } = this.directories[owner] as Directory
    const known = numbers[home] as number
    if (known > 0) return known - 1
    const number = this.takeIn(owner, home)
    numbers[home] = number + 1
    return number
  }

  /** A state that is met for the first time stands in what was said of the level behind. */
  private takeIn(owner: number, home: number): number {
    const { level } = this.told(this.level + 1, owner)
    const { table, claims } = this.search
    const place = this.directories[owner]?.places[home] as number
    const number = takeIn(level, place, this.hearings[owner] as Hearing, table, claims)
    this.shards = roomFor(this.shards, number + 1)
    this.locals = roomFor(this.locals, number + 1)
    this.shards[number] = owner
    this.locals[number] = home
    return number
  }
}

/** What fails is told to who waits for it, and to nobody before. */
function unheard<T>(coming: Promise<T>): Promise<T> {
  coming.catch(() => {})
  return coming
}
