import {
  type AnyKernel,
  type Ending,
  ending,
  type Holder,
  type Steppable,
  waitEdges,
} from '../machine'
import type { Graph } from './graph'
import type { Search } from './search'
import type { StateTable } from './state-table'

/** A wait, with who waits, and for whom: names and sentences that stay valid when the state has moved on. */
export interface WaitLink {
  readonly who: string
  /** What it waits for, in one sentence. */
  readonly reason: string
  /** `D`, `S`, `R` or `X`, as ps prints it. */
  readonly state: string
  /** Whom or what it waits for, in words; never empty. */
  readonly for: readonly string[]
}

/** A thread that can never finish its call, whatever the others do. */
export interface Hang {
  readonly task: number
  readonly who: string
  /** Whether a circle keeps it, somebody who lets go only when he likes, or nobody at all. */
  readonly because: 'circle' | 'owner' | 'nobody'
  /** The nearest state in which it waits and cannot be helped any more. */
  readonly state: number
  /** Everybody who waits in that state, the thread itself first. */
  readonly chain: readonly WaitLink[]
}

/** Threads that fit into one word of bits. */
const GROUP = 31

/**
 * The threads that can hang: from some state on, no schedule at all leads to the end of their call.
 *
 * That needs no fairness. Hardware is trusted to be done some time, so a thread that waits for nothing
 * else does not hang; an owner is not trusted to let go. States of a search that was stopped count as
 * if everything could follow from those that were not expanded.
 */
export function hangs<K extends AnyKernel & Steppable<K>>(search: Search<K>): Hang[] {
  const { tasks } = search.kernel
  const all = Array.from({ length: tasks.capacity }, (_, i) => i + 1)
  const found: Hang[] = []
  for (let from = 0; from < all.length; from += GROUP) {
    const group = all.slice(from, from + GROUP)
    const masks = ends(search, group)
    group.forEach((task, bit) => {
      const hang = firstHang(search, task, masks, bit)
      if (hang !== undefined) found.push(hang)
    })
  }
  return found.sort((a, b) => a.state - b.state)
}

/** For each state, the threads that are idle in it or in one that follows: a bit for each. */
function ends<K extends AnyKernel & Steppable<K>>(
  { graph, states, table, kernel }: Search<K>,
  group: readonly number[],
): Int32Array {
  const depths = group.map((task) => kernel.machine.depthAt(task))
  const masks = Int32Array.from({ length: states }, (_, state) =>
    state < graph.expanded ? zeros(table, state, depths) : -1,
  )
  flowBack(graph, masks)
  return masks
}

/** Gives each state the bits of all states that follow. */
function flowBack(graph: Graph, masks: Int32Array): void {
  // Most moves lead to a larger number, so that one sweep from behind does almost all of it.
  for (let isChanged = true; isChanged; ) {
    isChanged = false
    for (let state = graph.expanded - 1; state >= 0; state--) {
      const before = masks[state] as number
      let mask = before
      for (let move = graph.first(state); move < graph.end(state); move++)
        mask |= masks[graph.target(move)] as number
      if (mask === before) continue
      masks[state] = mask
      isChanged = true
    }
  }
}

/** Which of the words are 0 in a state: a bit for each. */
function zeros(table: StateTable, state: number, addresses: readonly number[]): number {
  let mask = 0
  addresses.forEach((address, bit) => {
    if (table.word(state, address) === 0) mask |= 1 << bit
  })
  return mask
}

/** True if from every state one can be reached in which no thread is in a call. */
export function canRest<K extends AnyKernel & Steppable<K>>(search: Search<K>): boolean {
  const { graph, states, kernel, table } = search
  const threads = Array.from({ length: kernel.tasks.capacity }, (_, i) => i + 1)
  const isAtRest = (state: number): boolean =>
    threads.every((task) => table.word(state, kernel.machine.depthAt(task)) === 0)
  const rests = Int32Array.from({ length: states }, (_, state) => (isAtRest(state) ? 1 : 0))
  flowBack(graph, rests)
  return rests.every((can) => can === 1)
}

function firstHang<K extends AnyKernel & Steppable<K>>(
  search: Search<K>,
  task: number,
  masks: Int32Array,
  bit: number,
): Hang | undefined {
  const { kernel, table } = search
  for (let state = 0; state < masks.length; state++) {
    if (((masks[state] as number) >> bit) & 1) continue
    table.load(state)
    const end = ending(kernel, task)
    if (end === undefined) continue
    const who = nameOf(kernel, task)
    return { task, who, because: because(end), state, chain: chainOf(kernel, task) }
  }
  return undefined
}

const because = (end: Ending): Hang['because'] => (typeof end === 'string' ? end : 'owner')

const nameOf = (k: AnyKernel, task: number): string =>
  (k.tasks.at(task) as unknown as { name: string }).name

/** Behind “waits for”, where nothing that anybody has is waited for. */
const NOBODY = 'nobody who could end it'

const holderName = (k: AnyKernel, { task, by }: Holder): string =>
  task === 0 ? (by ?? NOBODY) : nameOf(k, task)

function chainOf<K extends AnyKernel & Steppable<K>>(k: K, task: number): WaitLink[] {
  const links = waitEdges(k).map(({ waiter, reason, state, holders }) => ({
    waiter,
    link: {
      who: nameOf(k, waiter),
      reason,
      state,
      for: holders.length === 0 ? [NOBODY] : holders.map((holder) => holderName(k, holder)),
    },
  }))
  const own = links.filter(({ waiter }) => waiter === task)
  return [...own, ...links.filter(({ waiter }) => waiter !== task)].map(({ link }) => link)
}
