import type { Kind } from './moves'
import { roomFor } from './part-values'

/** Threads that a search can tell apart: six bits of an edge. */
const MAX_THREADS = 64

/** A graph on its way from one thread of the machine to another. */
export interface PackedGraph {
  readonly starts: Int32Array<ArrayBuffer>
  readonly targets: Int32Array<ArrayBuffer>
  readonly labels: Uint8Array<ArrayBuffer>
}

/** The moves of every state that was expanded, in the order of the states and of their moves. */
export class Graph {
  /** Where the moves of state n begin; they end where those of the next begin. */
  private starts = new Int32Array(1 << 10)
  private targets = new Int32Array(1 << 12)
  private labels = new Uint8Array(1 << 12)
  /** Moves in all. */
  length = 0
  /** States whose moves are known: those with smaller numbers than this. */
  expanded = 0

  add(to: number, task: number, kind: Kind): void {
    if (task >= MAX_THREADS) throw new Error(`a search has room for ${MAX_THREADS - 1} threads`)
    if (this.length === this.targets.length) {
      this.targets = roomFor(this.targets, this.length + 1)
      this.labels = roomFor(this.labels, this.length + 1)
    }
    this.targets[this.length] = to
    this.labels[this.length] = task | (kind << 6)
    this.length += 1
  }

  /** The moves of the next state are all there. */
  close(): void {
    this.expanded += 1
    this.starts = roomFor(this.starts, this.expanded + 1)
    this.starts[this.expanded] = this.length
  }

  first(state: number): number {
    return this.starts[state] as number
  }

  end(state: number): number {
    return this.starts[state + 1] as number
  }

  /** The state that a move leaves. */
  source(move: number): number {
    let low = 0
    let high = this.expanded
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.end(middle) > move) high = middle
      else low = middle + 1
    }
    return low
  }

  /** The number of a move among those of its state. */
  number(move: number): number {
    return move - this.first(this.source(move))
  }

  target(move: number): number {
    return this.targets[move] as number
  }

  task(move: number): number {
    return (this.labels[move] as number) & (MAX_THREADS - 1)
  }

  kind(move: number): Kind {
    return ((this.labels[move] as number) >> 6) as Kind
  }

  /** The same graph as arrays that can be sent, without the room that is kept for more. */
  pack(): PackedGraph {
    const { starts, targets, labels, expanded, length } = this
    return {
      starts: starts.slice(0, expanded + 1),
      targets: targets.slice(0, length),
      labels: labels.slice(0, length),
    }
  }

  static of({ starts, targets, labels }: PackedGraph): Graph {
    return Object.assign(new Graph(), {
      starts,
      targets,
      labels,
      length: targets.length,
      expanded: starts.length - 1,
    })
  }

  get bytes(): number {
    return 4 * (this.starts.length + this.targets.length) + this.labels.length
  }
}
