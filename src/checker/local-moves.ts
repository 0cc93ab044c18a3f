import type { AnyKernel, Steppable } from '../machine'
import type { Claims } from './claims'
import type { Moves } from './moves'

/**
 * Moves that look at and write nothing but their own thread's row and stack: whatever the others do
 * before such a move, they can do behind it as well. Where a thread has only such moves, they are made
 * first, and the other threads' moves are left for the states behind them.
 *
 * That is right as long as nobody else looks at what these moves wrote, nor writes what they looked at.
 * Every look and every write of the search is noted by thread, and `isSound` judges them at the end.
 */
export class LocalMoves<K extends AnyKernel & Steppable<K>> {
  /** By thread: 1 for each place that its moves looked at, or wrote. */
  private readonly reads: readonly Uint8Array[]
  private readonly writes: readonly Uint8Array[]
  /** The same of the moves that went first. */
  private readonly firstReads: readonly Uint8Array[]
  private readonly firstWrites: readonly Uint8Array[]
  /** Steps that once were not their thread’s own business: `operation.step`, empty for an idle thread. */
  private readonly shared = new Set<string>()
  private readonly own: readonly Uint8Array[]
  private readonly scratch: Uint8Array
  private isOwn = true
  private moves = 0

  constructor(
    private readonly kernel: K,
    private readonly all: Moves<K>,
  ) {
    const { length } = kernel.heap.arena.reads
    const perThread = () => [0, ...all.threads].map(() => new Uint8Array(length))
    this.reads = perThread()
    this.writes = perThread()
    this.firstReads = perThread()
    this.firstWrites = perThread()
    this.own = perThread()
    this.scratch = new Uint8Array(length)
    for (const task of all.threads)
      for (const [from, to] of kernel.machine.ownWords(task)) this.own[task]?.fill(1, from, to)
  }

  /** The first thread all of whose moves here are its own business; undefined where there is none. */
  first(): number | undefined {
    return this.all.threads.find((task) => this.kernel.tasks.isLive(task) && this.isLocal(task))
  }

  /** Makes the moves of a thread, and notes what they look at and write. */
  of(task: number, tell: Parameters<Moves<K>['of']>[1], isFirst: boolean): void {
    const { arena } = this.kernel.heap
    const before = arena.reads
    arena.reads = this.reads[task] as Uint8Array
    this.all.of(task, (mover, kind) => {
      for (const place of arena.touched()) {
        ;(this.writes[task] as Uint8Array)[place] = 1
        if (isFirst) (this.firstWrites[task] as Uint8Array)[place] = 1
      }
      tell(mover, kind)
    })
    if (isFirst) merge(this.firstReads[task] as Uint8Array, this.scratch)
    arena.reads = before
  }

  /** True if what was relied on held throughout a search that has come to its end. */
  isSound(claims: Claims<K>): boolean {
    const { threads } = this.all
    return threads.every((task) => {
      const others = threads.filter((other) => other !== task)
      const writes = others.map((other) => this.writes[other] as Uint8Array)
      const reads = others.map((other) => this.reads[other] as Uint8Array)
      const asked = claims.list.map((_, i) => claims.readsOf(i))
      const isApart = (places: Uint8Array, from: readonly Uint8Array[]) =>
        from.every((each) => !overlap(places, each))
      return (
        isApart(this.firstWrites[task] as Uint8Array, [...writes, ...reads, ...asked]) &&
        isApart(this.firstReads[task] as Uint8Array, writes)
      )
    })
  }

  /** Tries the moves of a thread without telling anybody. */
  private isLocal(task: number): boolean {
    const { machine, heap } = this.kernel
    const step = machine.stepName(task)
    if (this.shared.has(step)) return false
    const { arena } = heap
    const before = arena.reads
    const own = this.own[task] as Uint8Array
    this.scratch.fill(0)
    arena.reads = this.scratch
    this.isOwn = true
    this.moves = 0
    this.all.of(task, () => {
      this.moves += 1
      if (arena.touched().some((place) => own[place] === 0)) this.isOwn = false
    })
    arena.reads = before
    if (this.moves === 0) return false
    const isLocal = this.isOwn && isWithin(this.scratch, own)
    if (!isLocal) this.shared.add(step)
    return isLocal
  }
}

function isWithin(places: Uint8Array, own: Uint8Array): boolean {
  for (let place = 0; place < places.length; place++)
    if (places[place] === 1 && own[place] === 0) return false
  return true
}

function overlap(a: Uint8Array, b: Uint8Array): boolean {
  for (let place = 0; place < a.length; place++) if (a[place] === 1 && b[place] === 1) return true
  return false
}

function merge(into: Uint8Array, from: Uint8Array): void {
  for (let place = 0; place < into.length; place++) if (from[place] === 1) into[place] = 1
}
