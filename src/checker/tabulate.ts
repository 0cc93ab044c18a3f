import type { Always, AnyKernel, FrameInfo, Steppable } from '../machine'
import { Moves, type Programs } from './moves'
import { type Guarded, Rules, type Term } from './rules'
import type { Search } from './search'

/** One move of a thread, wherever the parts that it looks at have these contents. */
export interface Command extends Guarded {
  readonly task: number
  /** `operation.step`; the operation alone where it is begun. */
  readonly step: string
  /** What it does, in one sentence. */
  readonly does: string
  /** The parts that it changes, with their new contents. */
  readonly effect: readonly Term[]
}

/** What the property says, wherever the parts that it looks at have these contents. */
export interface Verdict extends Guarded {
  /** What is broken; nothing where the property holds. */
  readonly says: string | undefined
}

/** A search as rules over the parts of its states. */
export interface Tabulated {
  readonly commands: readonly Command[]
  readonly verdicts: readonly Verdict[]
}

/**
 * Tabulates the moves of a complete search, and what a property says of its states. A rule's guard
 * has the contents of exactly those parts that were looked at or written, so that the rules are a
 * function of what a step sees, and no list of states.
 *
 * The rules are then held against the search: in each of its states exactly its moves apply, and one
 * verdict. So the rules lead to its states, by its moves, and to no others. Throws where that is not
 * so, because a step looked at something that is no part of the state.
 */
export function tabulate<K extends AnyKernel & Steppable<K>>(
  search: Search<K>,
  programs: Programs<K>,
  property: Always<K>,
): Tabulated {
  const { graph, states, table } = search
  const commands = new Rules<Command>(table)
  const verdicts = new Rules<Verdict>(table)
  const witness = new Witness(search, programs)
  for (let state = 0; state < states; state++) {
    for (const [name, command] of witness.moves(state)) commands.add(name, command, command.effect)
    const verdict = witness.verdict(state, property)
    verdicts.add(verdict.says ?? '', verdict)
  }
  for (let state = 0; state < states; state++) {
    commands.expect(state, graph.end(state) - graph.first(state))
    verdicts.expect(state, 1)
  }
  return { commands: commands.list, verdicts: verdicts.list }
}

type Named = readonly [name: string, command: Command]

/** Makes the moves of a search once more, one thread at a time, and notes what each looks at. */
class Witness<K extends AnyKernel & Steppable<K>> {
  private readonly varying: readonly number[]
  private readonly movesOf = new Map<number, Moves<K>>()

  constructor(
    private readonly search: Search<K>,
    private readonly programs: Programs<K>,
  ) {
    this.varying = search.table.varying
  }

  /** The moves of a state, each under a name that no other move of the state has. */
  moves(state: number): Named[] {
    const { graph } = this.search
    const first = graph.first(state)
    const edges = Array.from({ length: graph.end(state) - first }, (_, i) => first + i)
    const tasks = edges.map((edge) => graph.task(edge))
    return edges.map((edge, i) => {
      const task = graph.task(edge)
      return this.command(state, task, i - tasks.indexOf(task), graph.target(edge))
    })
  }

  verdict(state: number, property: Always<K>): Verdict {
    const { table, kernel } = this.search
    table.load(state)
    kernel.heap.arena.reads.fill(0)
    return { says: property.broken(kernel)?.says, guard: this.looked(state) }
  }

  private command(state: number, task: number, number: number, target: number): Named {
    const { table, kernel } = this.search
    const { arena } = kernel.heap
    table.load(state)
    const [before] = kernel.machine.frames(task)
    const way = before?.step.choice && kernel.machine.choiceName(task, number)
    arena.reads.fill(0)
    const { kind } = this.movesBy(task).make(number)
    for (const place of arena.touched()) arena.reads[place] = 1
    const guard = this.looked(state)
    const effect = guard
      .map(({ part }) => ({ part, value: table.valueOf(target, part) }))
      .filter(({ value }, i) => value !== guard[i]?.value)
    const told = before === undefined ? begun(kernel.machine.frames(task)) : stepped(before, way)
    return [`${task} ${kind} ${number}`, { task, ...told, guard, effect }]
  }

  /** The parts that were looked at, as the state has them; those that never vary say nothing. */
  private looked(state: number): Term[] {
    const { table, kernel } = this.search
    const { reads, partOf } = kernel.heap.arena
    const parts = new Set<number>()
    for (let place = 0; place < reads.length; place++)
      if (reads[place] === 1) parts.add(partOf[place] as number)
    return this.varying
      .filter((part) => parts.has(part))
      .map((part) => ({ part, value: table.valueOf(state, part) }))
  }

  private movesBy(task: number): Moves<K> {
    const moves = this.movesOf.get(task) ?? new Moves(this.search.kernel, this.programs, [task])
    this.movesOf.set(task, moves)
    return moves
  }
}

type Told = Pick<Command, 'step' | 'does'>

/** An idle thread began the call that is its only frame now. */
function begun<K extends AnyKernel>([frame]: readonly FrameInfo<K>[]): Told {
  const { name, does } = (frame as FrameInfo<K>).operation
  return { step: name, does: `A call begins. ${does}` }
}

function stepped<K extends AnyKernel>(
  { operation, step }: FrameInfo<K>,
  way: string | undefined,
): Told {
  const does = way === undefined ? step.does : `${step.does} Here: ${way}.`
  return { step: `${operation.name}.${step.name}`, does }
}
