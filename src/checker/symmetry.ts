import type { Arena } from '../arena'
import type { AnyKernel, Program, Steppable } from '../machine'
import type { Programs } from './moves'

/**
 * Threads that may be taken for each other: states that differ only in which of them is where are one.
 *
 * Each group is kept sorted by what its threads are in. Threads are only taken for each other if they
 * begin alike and call nothing of their own; that nothing else knows them by their number is for the
 * scenario to promise, and for tests to show by searching without.
 */
export class Symmetry<K extends AnyKernel & Steppable<K>> {
  private readonly arena: Arena
  /** For each group, the addresses of each thread's own words but for its name. */
  private readonly groups: readonly (readonly Int32Array[])[]

  constructor(kernel: K, programs: Programs<K>, groups: readonly (readonly string[])[]) {
    this.arena = kernel.heap.arena
    this.groups = groups
      .map((names) => threadsOf(kernel, programs, names).map((task) => addresses(kernel, task)))
      .filter((threads) => threads.every((each) => this.compare(each, threads[0] ?? each) === 0))
      .filter(({ length }) => length > 1)
  }

  get isUseful(): boolean {
    return this.groups.length > 0
  }

  /** Makes the arena's state the one that stands for all that are like it; journaled. */
  sort(): void {
    for (const group of this.groups)
      for (let i = 1; i < group.length; i++)
        for (let j = i; j > 0; j--) {
          const left = group[j - 1] as Int32Array
          const right = group[j] as Int32Array
          if (this.compare(left, right) <= 0) break
          this.swap(left, right)
        }
  }

  private compare(left: Int32Array, right: Int32Array): number {
    const { words } = this.arena
    for (let i = 0; i < left.length; i++) {
      const difference =
        (words[left[i] as number] as number) - (words[right[i] as number] as number)
      if (difference !== 0) return difference
    }
    return 0
  }

  private swap(left: Int32Array, right: Int32Array): void {
    const { words } = this.arena
    for (let i = 0; i < left.length; i++) {
      const from = left[i] as number
      const to = right[i] as number
      const word = words[from] as number
      this.arena.write(from, words[to] as number)
      this.arena.write(to, word)
    }
  }
}

/** The live threads of these names that have no program. */
function threadsOf<K extends AnyKernel & Steppable<K>>(
  { tasks }: K,
  programs: Programs<K>,
  names: readonly string[],
): number[] {
  const program = (name: string): Program<K> => programs.get(name) ?? []
  return Array.from({ length: tasks.capacity }, (_, i) => i + 1).filter((task) => {
    if (!tasks.isLive(task)) return false
    const { name } = tasks.at(task) as unknown as { readonly name: string }
    return names.includes(name) && program(name).length === 0
  })
}

function addresses<K extends AnyKernel & Steppable<K>>({ machine }: K, task: number): Int32Array {
  const name = machine.nameAt(task)
  const all = machine
    .ownWords(task)
    .flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i))
  return Int32Array.from(all.filter((at) => at !== name))
}
