import { type Change, changesSince, type Heap, type Mark } from '../arena'
import type { Finding, Invariant } from './invariant'
import type { Machine } from './machine'
import type { AnyKernel, Operation } from './operation'

/** One choice of the schedule: a task begins an operation, or takes its next step. */
export type Choice =
  | {
      readonly kind: 'start'
      readonly task: number
      readonly operation: string
      readonly args: Readonly<Record<string, number | string>>
    }
  | { readonly kind: 'step'; readonly task: number; readonly choice: number }

/** What a choice did: names that stay valid when the state has moved on. */
export interface Moment {
  readonly choice: Choice
  readonly task: number
  /** Name of the task's thread. */
  readonly who: string
  readonly operation: string
  /** The step that ran, or undefined where an operation was only begun. */
  readonly step: string | undefined
  /** What happened, in one sentence. */
  readonly does: string
  /** The innermost kernel function. */
  readonly fn: string
  /** Functions on the stack before the step, innermost first. */
  readonly depth: number
  /** The operation as a whole ended here, with this value. */
  readonly returned: number | undefined
}

/** A line of history: what was chosen, up to its own end. */
export interface Branch {
  readonly id: number
  readonly name: string
  /** The moment up to which it equals the branch it was made from. */
  readonly forkedAt: number
  readonly choices: readonly Choice[]
  readonly flag?: Flag
}

/** The moment that a branch was made to show, and what is seen there. */
export interface Flag {
  readonly moment: number
  readonly says: string
}

/** A property's standing at one moment of the timeline. */
export interface Standing<K> {
  readonly invariant: Invariant<K>
  /** At this moment: what breaks it, or shows it. */
  readonly finding: Finding | undefined
  /** The earliest moment up to here at which it broke, or was shown. */
  readonly since: number | undefined
}

export interface Steppable<K extends AnyKernel> {
  readonly heap: Heap
  readonly machine: Machine<K>
  readonly invariants: readonly Invariant<K>[]
}

/** Longest schedule that is accepted; a link or a file may ask for anything. */
export const MAX_CHOICES = 5000

/**
 * A kernel with its history: back by undo, forth by running the same choices again, and a branch
 * wherever the past is changed. Moment 0 is the state it was given; moment n is after n choices.
 */
export class Timeline<K extends AnyKernel & Steppable<K>> {
  private readonly marks: Mark[] = []
  private readonly done: Moment[] = []
  private readonly findings: (Finding | undefined)[][] = []
  private branchList: Branch[] = [{ id: 1, name: 'main', forkedAt: 0, choices: [] }]
  private current = 0

  constructor(readonly kernel: K) {
    this.marks.push(kernel.heap.arena.mark())
    this.findings.push(this.findNow())
  }

  /** The moment that the kernel's state is at. */
  get cursor(): number {
    return this.done.length
  }

  /** How many choices the branch has. */
  get length(): number {
    return this.branch.choices.length
  }

  get branch(): Branch {
    return this.branchList[this.current] as Branch
  }

  get branches(): readonly Branch[] {
    return this.branchList
  }

  /** What happened up to the cursor. */
  get moments(): readonly Moment[] {
    return this.done
  }

  /**
   * Takes a choice here. At the end of the branch it extends it; in the past it goes along if it is
   * the same choice, and makes a branch otherwise. A sentence says why it cannot be taken.
   */
  take(choice: Choice): string | undefined {
    const refused = this.refusal(choice)
    if (refused !== undefined) return refused
    const planned = this.branch.choices[this.cursor]
    if (planned === undefined) this.replaceBranch([...this.branch.choices, choice])
    else if (!sameChoice(planned, choice))
      this.fork([...this.branch.choices.slice(0, this.cursor), choice])
    this.run(choice)
    return undefined
  }

  /** Goes to a moment of the branch, clipped to what it has; stops where a choice can no longer be taken. */
  seek(moment: number): string | undefined {
    const target = Math.max(0, Math.min(moment, this.length))
    if (target < this.cursor) this.back(target)
    while (this.cursor < target) {
      const choice = this.branch.choices[this.cursor] as Choice
      const refused = this.refusal(choice)
      if (refused !== undefined) return `Step ${this.cursor + 1} plays differently here: ${refused}`
      this.run(choice)
    }
    return undefined
  }

  /** Goes to another branch, at the last moment that both share, or its end. */
  switchTo(id: number, moment = Number.MAX_SAFE_INTEGER): string | undefined {
    const index = this.branchList.findIndex((branch) => branch.id === id)
    if (index < 0) return `There is no branch ${id}.`
    const next = this.branchList[index] as Branch
    this.back(sharedBy(this.branch.choices, next.choices))
    this.current = index
    return this.seek(moment)
  }

  /** Adds a whole schedule as a branch, or flags the branch that has just these choices, and goes to its end. */
  add(name: string, choices: readonly Choice[], flag: Flag): string | undefined {
    const known = this.branchList.find(
      ({ choices: others }) =>
        others.length === choices.length && sharedBy(others, choices) === choices.length,
    )
    const id = known?.id ?? this.freeId
    const forkedAt = sharedBy(this.branch.choices, choices)
    this.branchList =
      known === undefined
        ? [...this.branchList, { id, name, forkedAt, choices: choices.slice(0, MAX_CHOICES), flag }]
        : this.branchList.map((branch) => (branch === known ? { ...branch, flag } : branch))
    return this.switchTo(id)
  }

  /** Puts a whole schedule in the place of the branch's, without running it. */
  load(choices: readonly Choice[]): void {
    this.back(0)
    this.branchList = [{ id: 1, name: 'main', forkedAt: 0, choices: choices.slice(0, MAX_CHOICES) }]
    this.current = 0
  }

  /** Takes over the branches and the moment of another timeline of the same state. */
  follow(other: Timeline<K>): string | undefined {
    this.back(0)
    this.branchList = [...other.branchList]
    this.current = other.current
    return this.seek(other.cursor)
  }

  rename(name: string): void {
    this.branchList = this.branchList.map((branch) =>
      branch === this.branch ? { ...branch, name } : branch,
    )
  }

  /** What the step that led to this moment changed, field by field. */
  changes(): Change[] {
    const before = this.marks[this.cursor - 1]
    return before === undefined ? [] : changesSince(this.kernel.heap, before)
  }

  /** How every property stands at the cursor. */
  standings(): Standing<K>[] {
    return this.kernel.invariants.map((invariant, i) => {
      const since = this.findings.findIndex((found) => found[i] !== undefined)
      const finding = this.findings.at(-1)?.[i]
      return { invariant, finding, since: since < 0 ? undefined : since }
    })
  }

  /** Why a choice cannot be taken now, or nothing. */
  refusal(choice: Choice): string | undefined {
    if (this.cursor >= MAX_CHOICES) return `A schedule has at most ${MAX_CHOICES} steps.`
    const { machine, tasks } = this.kernel
    if (!tasks.isLive(choice.task)) return `There is no task ${choice.task}.`
    return choice.kind === 'start'
      ? startRefusal(this.kernel, choice)
      : stepRefusal(machine, choice)
  }

  private get freeId(): number {
    return Math.max(...this.branchList.map((branch) => branch.id)) + 1
  }

  private back(moment: number): void {
    if (moment >= this.cursor) return
    this.kernel.heap.arena.undoTo(this.marks[moment] as Mark)
    this.done.length = moment
    this.marks.length = moment + 1
    this.findings.length = moment + 1
  }

  private run(choice: Choice): void {
    const { machine, heap } = this.kernel
    const before = momentOf(this.kernel, choice)
    if (choice.kind === 'start') {
      const operation = machine.operation(choice.operation) as Operation<K>
      machine.start(choice.task, operation, choice.args)
    } else machine.step(choice.task, choice.choice)
    const returned = machine.isIdle(choice.task) ? returnOf(this.kernel, choice.task) : undefined
    this.done.push({ ...before, returned })
    this.marks.push(heap.arena.mark())
    this.findings.push(this.findNow())
  }

  private findNow(): (Finding | undefined)[] {
    return this.kernel.invariants.map((each) =>
      each.kind === 'always' ? each.broken(this.kernel) : each.shown(this.kernel),
    )
  }

  private replaceBranch(choices: readonly Choice[]): void {
    this.branchList = this.branchList.map((branch) =>
      branch === this.branch ? { ...branch, choices } : branch,
    )
  }

  private fork(choices: readonly Choice[]): void {
    const id = this.freeId
    const made = { id, name: `branch ${id - 1}`, forkedAt: this.cursor, choices }
    this.branchList = [...this.branchList, made]
    this.current = this.branchList.length - 1
  }
}

/** How many choices two schedules have in common at their beginning. */
export function sharedBy(a: readonly Choice[], b: readonly Choice[]): number {
  const differing = a.findIndex((choice, i) => !sameChoice(choice, b[i]))
  return differing < 0 ? a.length : differing
}

function sameChoice(a: Choice | undefined, b: Choice | undefined): boolean {
  if (a === undefined || b === undefined || a.task !== b.task) return false
  if (a.kind === 'step') return b.kind === 'step' && a.choice === b.choice
  if (b.kind === 'step' || a.operation !== b.operation) return false
  const names = Object.keys(a.args)
  return (
    names.length === Object.keys(b.args).length &&
    names.every((name) => a.args[name] === b.args[name])
  )
}

const returnOf = (kernel: AnyKernel, task: number): number =>
  (kernel.tasks.at(task) as unknown as { ret: number }).ret

function momentOf<K extends AnyKernel & Steppable<K>>(
  kernel: K,
  choice: Choice,
): Omit<Moment, 'returned'> {
  const who = (kernel.tasks.at(choice.task) as unknown as { name: string }).name
  const shared = { choice, task: choice.task, who }
  if (choice.kind === 'start') {
    const operation = kernel.machine.operation(choice.operation) as Operation<K>
    const { name, does } = operation
    return { ...shared, operation: name, step: undefined, does, fn: operation.source.fn, depth: 0 }
  }
  const stack = kernel.machine.frames(choice.task)
  const { operation, step } = stack[0] as NonNullable<(typeof stack)[0]>
  const fn = step.fn ?? operation.source.fn
  return {
    ...shared,
    operation: operation.name,
    step: step.name,
    does: step.does,
    fn,
    depth: stack.length,
  }
}

function startRefusal<K extends AnyKernel & Steppable<K>>(
  kernel: K,
  choice: Choice & { kind: 'start' },
): string | undefined {
  const operation = kernel.machine.operation(choice.operation)
  if (operation?.start === undefined) return `There is no operation "${choice.operation}" to begin.`
  const wrong = argumentError(operation, choice.args)
  if (wrong !== undefined) return wrong
  if (!kernel.machine.isIdle(choice.task)) {
    const [top] = kernel.machine.frames(choice.task)
    return `This thread is still in ${top?.operation.source.fn}(); let it go on first.`
  }
  return operation.start.refuse(kernel, choice.args as never, choice.task)
}

/** Arguments come from links and files too: every one must be there, and be of its field's kind. */
function argumentError<K extends AnyKernel>(
  operation: Operation<K>,
  args: Readonly<Record<string, number | string>>,
): string | undefined {
  const unknown = Object.keys(args).find((name) => !Object.hasOwn(operation.params, name))
  if (unknown !== undefined) return `${operation.name} takes no argument "${unknown}".`
  for (const [name, field] of Object.entries(operation.params)) {
    const value = args[name]
    if (typeof value !== typeof field.initial)
      return `${operation.name} needs "${name}" to be a ${typeof field.initial}.`
    if (field.kind === 'choice' && !field.choices.includes(value as string))
      return `${operation.name} needs "${name}" to be one of ${field.choices.join(', ')}.`
    if (typeof value === 'number' && !fits(value, field.words))
      return `${operation.name}: "${name}" is out of range.`
    if (typeof value === 'string' && value.length > 255)
      return `${operation.name}: "${name}" is too long.`
  }
  return undefined
}

const fits = (value: number, words: number): boolean =>
  words === 1 ? value === (value | 0) : Number.isInteger(value) && Math.abs(value) < 2 ** 52

function stepRefusal<K extends AnyKernel>(
  machine: Machine<K>,
  choice: Choice & { kind: 'step' },
): string | undefined {
  const { task } = choice
  if (machine.isIdle(task)) return 'This thread is in user space and has no step to take.'
  const waiting = machine.waiting(task)
  if (waiting !== undefined) return waiting.reason
  const { choice: n } = choice
  if (!Number.isInteger(n) || n < 0 || n >= machine.choices(task))
    return `There is no choice ${n} here.`
  return undefined
}
