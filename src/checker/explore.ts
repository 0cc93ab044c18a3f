import { hashFromScratch, packedWords, packInto, restoreHashed } from '../arena'
import type { AnyKernel, Finding, Invariant, Steppable } from '../machine'

/** What exploring found. */
export interface Explored {
  readonly states: number
  readonly transitions: number
  /** Length of the longest shortest path. */
  readonly depth: number
  /** The first broken `always` property, in breadth-first order. */
  readonly broken: { readonly invariant: Invariant<never>; readonly finding: Finding; readonly depth: number } | undefined
  /** False where `maxStates` stopped the search. */
  readonly complete: boolean
}

/** Packed states of one breadth-first level, with their hashes. */
class Level {
  words = new Int32Array(1 << 16)
  ends: number[] = []
  lo: number[] = []
  hi: number[] = []

  get length(): number {
    return this.ends.length
  }

  clear(): void {
    this.ends.length = 0
    this.lo.length = 0
    this.hi.length = 0
  }

  startOf(index: number): number {
    return index === 0 ? 0 : (this.ends[index - 1] as number)
  }

  reserve(words: number): void {
    if (words <= this.words.length) return
    const bigger = new Int32Array(Math.max(words, this.words.length * 2))
    bigger.set(this.words)
    this.words = bigger
  }
}

/** A set of 64-bit hashes; open addressing, doubled at half full. */
class HashSet {
  private lo = new Int32Array(1 << 16)
  private hi = new Int32Array(1 << 16)
  size = 0

  /** True if the hash was not in the set. A hash of 0 cannot be told from an empty slot: it is stored as 1. */
  add(lo: number, hi: number): boolean {
    if (lo === 0 && hi === 0) lo = 1
    if (!insert(this.lo, this.hi, lo, hi)) return false
    this.size += 1
    if (this.size * 2 > this.lo.length) this.grow()
    return true
  }

  private grow(): void {
    const lo = new Int32Array(this.lo.length * 2)
    const hi = new Int32Array(this.hi.length * 2)
    for (let i = 0; i < this.lo.length; i++)
      if (((this.lo[i] as number) | (this.hi[i] as number)) !== 0)
        insert(lo, hi, this.lo[i] as number, this.hi[i] as number)
    this.lo = lo
    this.hi = hi
  }
}

function insert(los: Int32Array, his: Int32Array, lo: number, hi: number): boolean {
  const mask = los.length - 1
  let i = (lo ^ hi) & mask
  while (((los[i] as number) | (his[i] as number)) !== 0) {
    if (los[i] === lo && his[i] === hi) return false
    i = (i + 1) & mask
  }
  los[i] = lo
  his[i] = hi
  return true
}

/**
 * Explores every interleaving of the tasks' next steps breadth first, from the kernel's state, and
 * leaves the kernel in that state with an empty journal. The initial state is checked as well.
 * Operations are not begun here: what is explored is what the tasks are already in.
 */
export function explore<K extends AnyKernel & Steppable<K>>(
  kernel: K & { readonly tasks: { readonly capacity: number; isLive(id: number): boolean } },
  maxStates = Number.MAX_SAFE_INTEGER,
): Explored {
  const { arena } = kernel.heap
  const [lo, hi] = hashFromScratch(arena)
  const seen = new HashSet()
  let frontier = new Level()
  let next = new Level()
  const start = { words: new Int32Array(packedWords(arena)), lo, hi }
  packInto(arena, start.words, 0)
  let transitions = 0
  let depth = 0
  let broken: Explored['broken']
  const taskIds = Array.from({ length: kernel.tasks.capacity }, (_, i) => i + 1).filter((id) => kernel.tasks.isLive(id))
  const { machine } = kernel

  const visit = (level: Level): void => {
    if (!seen.add(arena.hashLo, arena.hashHi)) return
    if (broken === undefined) broken = firstBroken(kernel, depth)
    const at = level.startOf(level.length)
    level.reserve(at + packedWords(arena))
    level.ends.push(packInto(arena, level.words, at))
    level.lo.push(arena.hashLo)
    level.hi.push(arena.hashHi)
  }

  visit(frontier)
  while (frontier.length > 0 && seen.size < maxStates) {
    depth += 1
    next.clear()
    for (let state = 0; state < frontier.length; state++) {
      const stateLo = frontier.lo[state] as number
      const stateHi = frontier.hi[state] as number
      restoreHashed(arena, frontier.words, frontier.startOf(state), stateLo, stateHi)
      for (const task of taskIds) {
        if (!machine.canStep(task)) continue
        const choices = machine.choices(task)
        for (let choice = 0; choice < choices; choice++) {
          machine.step(task, choice)
          transitions += 1
          visit(next)
          arena.undo(0, stateLo, stateHi)
        }
      }
    }
    ;[frontier, next] = [next, frontier]
  }
  restoreHashed(arena, start.words, 0, start.lo, start.hi)
  return { states: seen.size, transitions, depth: depth - 1, broken, complete: frontier.length === 0 }
}

function firstBroken<K extends AnyKernel & Steppable<K>>(kernel: K, depth: number): Explored['broken'] {
  for (const invariant of kernel.invariants) {
    if (invariant.kind !== 'always') continue
    const finding = invariant.broken(kernel)
    if (finding !== undefined) return { invariant: invariant as Invariant<never>, finding, depth }
  }
  return undefined
}
