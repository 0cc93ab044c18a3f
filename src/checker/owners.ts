import type { AnyKernel, Steppable } from '../machine'
import type { Search } from './search'
import type { Difference, StateTable } from './state-table'

/**
 * Which of so many shards has a state. A hash of where some threads stand, and of their locals, says it:
 * the moves of all the others stay in their shard.
 */
export class Owners<K extends AnyKernel & Steppable<K>> {
  /** By part: 1 if it is the row, or a frame, of one of the threads. */
  private readonly isTheirs: Uint8Array
  /** By column and number of a content: its share of the hash. That of the first content is 0. */
  private readonly shares: number[][] = []

  constructor(
    { machine }: K,
    private readonly table: StateTable,
    threads: readonly number[],
    private readonly shards: number,
  ) {
    const { arena, parts } = table
    this.isTheirs = new Uint8Array(parts.list.length)
    for (const thread of threads)
      for (const [from, to] of machine.ownWords(thread))
        for (const part of arena.partOf.subarray(from, to)) this.isTheirs[part] = 1
  }

  /** The shard that has the states with this hash. */
  of(hash: number): number {
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    return ((mixed ^ (mixed >>> 13)) >>> 0) % this.shards
  }

  /** The hash of a state of the table. */
  hashOf(state: number): number {
    const { table } = this
    return table.changing.reduce(
      (hash, _, column) => hash ^ this.share(column, table.cell(state, column)),
      0,
    )
  }

  /** What is exclusive-ored into the hash on the way from a state to one that differs from it. */
  turn(from: number, { columns, values }: Difference): number {
    return columns.reduce(
      (turn, column, i) =>
        turn ^
        this.share(column, this.table.cell(from, column)) ^
        this.share(column, values[i] as number),
      0,
    )
  }

  private share(column: number, value: number): number {
    const { table, shares } = this
    const part = table.changing[column] as number
    if (this.isTheirs[part] === 0 || value === 0) return 0
    while (shares.length <= column) shares.push([])
    const known = shares[column] as number[]
    known[value] ??= table.contents(column).hashOf(value) ^ Math.imul(part, 0x9e3779b1)
    return known[value]
  }
}

/** States at the end of a sample that are looked at. */
const SAMPLE = 4096

/** What a move to another shard costs more, in moves. */
const CROSSING = 3

/**
 * The threads by which a search is best shared out, judged by what was searched so far: their moves are
 * few, and they stand in as many places as there are shards, about equally often.
 */
export function threadsToSplitBy<K extends AnyKernel & Steppable<K>>(
  { kernel, table, graph, moves }: Search<K>,
  shards: number,
): readonly number[] {
  const movesBy = new Float64Array(moves.threads.length + 1)
  for (let move = 0; move < graph.length; move++) {
    const task = graph.task(move)
    movesBy[task] = (movesBy[task] as number) + 1
  }
  const first = Math.max(0, graph.expanded - SAMPLE)
  const movers = moves.threads.filter((task) => (movesBy[task] as number) > 0)
  const hashes = new Map(
    movers.map((task) => {
      const owners = new Owners(kernel, table, [task], shards)
      const of = (_: unknown, i: number) => owners.hashOf(first + i)
      return [task, Int32Array.from({ length: graph.expanded - first }, of)]
    }),
  )
  const owners = new Owners(kernel, table, [], shards)
  const cost = (threads: readonly number[]): number => {
    const counts = new Float64Array(shards)
    for (let i = 0; i < graph.expanded - first; i++) {
      const owner = owners.of(
        threads.reduce((hash, task) => hash ^ (hashes.get(task)?.[i] ?? 0), 0),
      )
      counts[owner] = (counts[owner] as number) + 1
    }
    const crossing =
      threads.reduce((sum, task) => sum + (movesBy[task] as number), 0) / graph.length
    return Math.max(...counts) * (1 + CROSSING * crossing)
  }
  const [best = movers] = setsOf(movers)
    .map((threads) => ({ threads, cost: cost(threads) }))
    .sort((a, b) => a.cost - b.cost)
    .map(({ threads }) => threads)
  return best
}

/** Sets of one, two or three of them. */
function setsOf(threads: readonly number[]): number[][] {
  const larger = (sets: readonly (readonly number[])[]) =>
    sets.flatMap((set) =>
      threads.filter((task) => task > (set.at(-1) ?? 0)).map((task) => [...set, task]),
    )
  const ones = larger([[]])
  const twos = larger(ones)
  return [...ones, ...twos, ...larger(twos)]
}
