import {
  type Arena,
  beginsAsZeros,
  int,
  overlay,
  type Place,
  type Schema,
  type Struct,
  struct,
  type Table,
  text,
} from '../arena'
import type { AnyKernel, Holder, Operation, Outcome, Wait, WaitState } from './operation'

/** The fields that every task has; a kernel's task struct adds its own behind them. */
export const taskFields = {
  name: text('comm: the name of the thread.'),
  depth: int(0, 'Operations on the stack; 0 is idle, in user space.'),
  ret: int(0, 'What the last operation returned; negative numbers are errnos.'),
  calls: int(0, 'Calls of its program that are behind it, where every order is explored.'),
}

/** Words that a frame has besides its operation's locals: operation (from 1), step, and `ret`. */
const FRAME_HEADER = 3

/** The stack of frames: `locals` words for the parameters and locals of any operation. */
export const frameStruct = (locals: number): Struct => {
  const words = Array.from({ length: locals }, (_, i) => [`local${i}`, int()] as const)
  return struct('frame', {
    operation: int(0, 'Number of the operation, from 1.'),
    step: int(0, 'Number of the step that comes next: the program counter.'),
    ret: int(0, 'What the operation called last returned.'),
    ...Object.fromEntries(words),
  })
}

/** Words of the largest frame among some operations. */
export const frameWords = (operations: readonly { readonly frame: Struct }[]): number =>
  Math.max(0, ...operations.map(({ frame }) => frame.words))

/** An operation on a task's stack, with the step that comes next in it. */
export class FrameInfo<K extends AnyKernel> {
  constructor(
    readonly operation: Operation<K>,
    readonly step: Operation<K>['steps'][number],
    private readonly view: FrameView,
  ) {}

  /** Parameters and locals by name; each is looked at when it is asked for. */
  get locals(): Locals {
    return this.view.locals
  }

  /** What the operation called last returned. */
  get ret(): number {
    return this.view.ret
  }
}

type Locals = Readonly<Record<string, unknown>>

/** What a step gets to see of its frame, as far as everybody may know. */
interface FrameView {
  readonly locals: Locals
  readonly ret: number
}

function localsOf(view: Locals, places: readonly Place[]): Locals {
  const locals = {}
  for (const { name } of places)
    Object.defineProperty(locals, name, { enumerable: true, get: () => view[name] })
  return locals
}

export interface Waiting {
  readonly reason: string
  readonly state: WaitState
  readonly holders: readonly Holder[]
  /** True if a signal ends it. */
  readonly interruptible: boolean
}

type Machined = Struct<string, typeof taskFields & Schema>

interface Parts<K extends AnyKernel> {
  readonly arena: Arena
  readonly tasks: Table<Machined>
  readonly frames: Table<Struct>
  readonly operations: readonly Operation<K>[]
}

const CALLED = { kind: 'called' } as unknown as Outcome
const DONE = { kind: 'done' } as unknown as Outcome

type FrameClass = new (base: number, id: number) => FrameView

/**
 * Runs the tasks of a kernel, one step at a time, in whatever order it is told. It decides nothing:
 * which task, and which of a step's numbered choices, is the caller's.
 */
export class Machine<K extends AnyKernel> {
  /** Frames that one task can have. */
  readonly maxDepth: number
  private readonly arena: Arena
  private readonly tasks: Table<Machined>
  private readonly frameBase: number
  private readonly frameStride: number
  private readonly numbers: Map<unknown, number>
  private readonly byName: ReadonlyMap<string, Operation<K>>
  /** By the numbers of operation and step; made once, for properties ask for them in every state. */
  private readonly stepNames: string[][]
  /** By the operation’s number: the locals that do not begin as zeros. */
  private readonly initials: Place[][]
  private readonly views: FrameView[][]
  private readonly classes: FrameClass[]
  readonly operations: readonly Operation<K>[]

  constructor(
    private readonly kernel: K,
    { arena, tasks, frames, operations }: Parts<K>,
  ) {
    this.arena = arena
    this.tasks = tasks
    this.operations = operations
    this.maxDepth = frames.capacity / tasks.capacity
    // The header word of a table row marks it as taken; frames are taken by depth instead.
    this.frameBase = frames.base + 1
    this.frameStride = frames.def.words + 1
    this.numbers = new Map(operations.map((operation, i) => [operation, i]))
    this.byName = new Map(operations.map((operation) => [operation.name, operation]))
    this.stepNames = operations.map(({ name, steps }) =>
      steps.map((step) => `${name}.${step.name}`),
    )
    this.initials = operations.map(({ frame }) =>
      frame.places.filter(({ field }) => !beginsAsZeros(field, arena.texts)),
    )
    this.views = operations.map(() => [])
    this.classes = operations.map((operation) => this.frameClass(operation))
  }

  /** The operation of a name, if this machine has it. */
  operation(name: string): Operation<K> | undefined {
    return this.byName.get(name)
  }

  /** Puts an operation on an idle task's stack. The first `step` then runs its entry. */
  start(task: number, operation: Operation<K>, args: object): void {
    if (this.tasks.at(task).depth !== 0) throw new Error(`start: task ${task} is not idle`)
    this.push(task, operation, args)
  }

  isIdle(task: number): boolean {
    return this.tasks.at(task).depth === 0
  }

  /** The address of the word that is 0 while the task is idle. */
  depthAt(task: number): number {
    return this.tasks.addressOf(task, 'depth')
  }

  /** The address of the word that its name is. */
  nameAt(task: number): number {
    return this.tasks.addressOf(task, 'name')
  }

  /** The addresses of the words that say where a task stands: in its program, and in each call of its stack. */
  standsAt(task: number): number[] {
    const [[row] = [0]] = this.ownWords(task)
    const calls = this.tasks.addressOf(task, 'calls')
    const frames = Array.from({ length: this.maxDepth }, (_, i) => this.frameAt(task, i + 1))
    return [row, this.depthAt(task), calls, ...frames.flatMap((at) => [at, at + 1])]
  }

  /** The addresses [from, to) of the words that are the task's own: its row, and the frames of its stack. */
  ownWords(task: number): readonly (readonly [from: number, to: number])[] {
    const words = this.tasks.def.words + 1
    const row = this.tasks.base + (task - 1) * words
    const stack = this.frameBase - 1 + (task - 1) * this.maxDepth * this.frameStride
    return [
      [row, row + words],
      [stack, stack + this.maxDepth * this.frameStride],
    ]
  }

  /** True if the task has a step that can run now. Derived at every call, never stored. */
  canStep(task: number): boolean {
    const { depth } = this.tasks.at(task)
    if (depth === 0) return false
    const at = this.frameAt(task, depth)
    const wait = this.stepAt(at).when
    return wait === undefined || wait.ready(this.kernel, this.viewAt(task, depth, at) as never)
  }

  /** True if the task is in a call and cannot go on. */
  isWaiting(task: number): boolean {
    return !this.isIdle(task) && !this.canStep(task)
  }

  /** Why the task cannot go on, if it waits. */
  waiting(task: number): Waiting | undefined {
    if (!this.isWaiting(task)) return undefined
    const { depth } = this.tasks.at(task)
    const at = this.frameAt(task, depth)
    const { state: how, takesSignals, ...wait } = this.stepAt(at).when as Wait<K, unknown>
    const view = this.viewAt(task, depth, at)
    const state = typeof how === 'string' ? how : how(this.kernel, view)
    return {
      reason: wait.reason(this.kernel, view),
      state,
      holders: wait.holders(this.kernel, view),
      interruptible: takesSignals ?? state === 'S',
    }
  }

  /** Who keeps the task from going on: `waiting` without its sentence. */
  holders(task: number): readonly Holder[] {
    if (!this.isWaiting(task)) return []
    const { depth } = this.tasks.at(task)
    const at = this.frameAt(task, depth)
    const wait = this.stepAt(at).when as Wait<K, unknown>
    return wait.holders(this.kernel, this.viewAt(task, depth, at))
  }

  /** In how many ways the next step can go. */
  choices(task: number): number {
    const { depth } = this.tasks.at(task)
    const at = this.frameAt(task, depth)
    return this.stepAt(at).choices?.(this.kernel, this.viewAt(task, depth, at) as never) ?? 1
  }

  /** In how many ways the task can go on now: 0 if it waits, -1 if it is idle. */
  ways(task: number): number {
    const { depth } = this.tasks.at(task)
    if (depth === 0) return -1
    const at = this.frameAt(task, depth)
    const view = this.viewAt(task, depth, at) as never
    const { when, choices } = this.stepAt(at)
    if (when?.ready(this.kernel, view) === false) return 0
    return choices?.(this.kernel, view) ?? 1
  }

  /** What a choice of the next step is called. */
  choiceName(task: number, n: number): string {
    const { depth } = this.tasks.at(task)
    const at = this.frameAt(task, depth)
    const name = this.stepAt(at).choice?.(this.kernel, this.viewAt(task, depth, at) as never, n)
    return name ?? `choice ${n}`
  }

  /** Runs the next step of a task that can step. */
  step(task: number, choice = 0): void {
    const { depth } = this.tasks.at(task)
    const at = this.frameAt(task, depth)
    const view = this.viewAt(task, depth, at)
    const next = this.stepAt(at).run(this.kernel, view as never, choice)
    if (typeof next === 'string')
      this.arena.write(at + 1, this.operationAt(at).stepNumbers.get(next) as number)
  }

  /** `operation.step` that comes next; empty for an idle task. */
  stepName(task: number): string {
    const { depth } = this.tasks.at(task)
    if (depth === 0) return ''
    const at = this.frameAt(task, depth)
    return this.stepNames[this.numberAt(at)]?.[this.wordAt(at + 1)] as string
  }

  /** The stack of a task, innermost first. */
  frames(task: number): FrameInfo<K>[] {
    const found: FrameInfo<K>[] = []
    for (let { depth } = this.tasks.at(task); depth > 0; depth--)
      found.push(this.frame(task, depth) as FrameInfo<K>)
    return found
  }

  /** What is in the place for a frame of a task, from 1, whether or not its stack is so deep. */
  frame(task: number, depth: number): FrameInfo<K> | undefined {
    const at = this.frameAt(task, depth)
    if (this.wordAt(at) === 0) return undefined
    const view = this.viewAt(task, depth, at)
    return new FrameInfo(this.operationAt(at), this.stepAt(at), view)
  }

  private frameAt(task: number, depth: number): number {
    const slot = (task - 1) * this.maxDepth + depth - 1
    return this.frameBase + slot * this.frameStride
  }

  private operationAt(at: number): Operation<K> {
    return this.operations[this.numberAt(at)] as Operation<K>
  }

  private numberAt(at: number): number {
    return this.wordAt(at) - 1
  }

  private wordAt(at: number): number {
    const { reads, words } = this.arena
    reads[at] = 1
    return words[at] as number
  }

  private stepAt(at: number): Operation<K>['steps'][number] {
    const { steps } = this.operationAt(at)
    return steps[this.wordAt(at + 1)] as Operation<K>['steps'][number]
  }

  private viewAt(task: number, depth: number, at: number): FrameView {
    const number = this.numberAt(at)
    const slot = (task - 1) * this.maxDepth + depth - 1
    const views = this.views[number] as FrameView[]
    let view = views[slot]
    if (view === undefined) {
      const Bound = this.classes[number] as FrameClass
      view = new Bound(at + FRAME_HEADER, task)
      views[slot] = view
    }
    return view
  }

  private push(task: number, operation: Operation<K>, args: object): void {
    const number = this.numbers.get(operation)
    if (number === undefined) throw new Error(`${operation.name}: not in the list of operations`)
    const row = this.tasks.at(task)
    if (row.depth === this.maxDepth) throw new Error(`${operation.name}: the stack is full`)
    row.depth += 1
    const at = this.frameAt(task, row.depth)
    this.arena.write(at, number + 1)
    this.arena.write(at + 1, operation.entry)
    const view = this.viewAt(task, row.depth, at) as object as Record<string, unknown>
    // The words of a frame that is not in use are zeros.
    for (const { name, field } of this.initials[number] as Place[]) view[name] = field.initial
    Object.assign(view, args)
  }

  /** Takes the innermost frame off; equal futures must be equal states, so nothing of it stays. */
  private pop(task: number, value: number): void {
    const row = this.tasks.at(task)
    const at = this.frameAt(task, row.depth)
    for (let word = at; word < at + this.frameStride - 1; word++) this.arena.write(word, 0)
    row.depth -= 1
    if (row.depth === 0) row.ret = value
    else this.arena.write(this.frameAt(task, row.depth) + 2, value)
  }

  private frameClass(operation: Operation<K>): FrameClass {
    const { frame } = operation
    const Overlay = overlay(this.arena, frame)
    const machine = this
    return class extends Overlay {
      private known: Locals | undefined
      get locals() {
        this.known ??= localsOf(this as object as Locals, frame.places)
        return this.known
      }
      get task() {
        return machine.kernel.tasks.at(this.id)
      }
      get ret() {
        return machine.wordAt(this.base - 1)
      }
      call(op: Operation<K>, args: object, next: string): Outcome {
        const at = this.base - FRAME_HEADER
        machine.arena.write(at + 1, operation.stepNumbers.get(next) as number)
        machine.push(this.id, op, args)
        return CALLED
      }
      done(value = 0): Outcome {
        machine.pop(this.id, value)
        return DONE
      }
    }
  }
}
