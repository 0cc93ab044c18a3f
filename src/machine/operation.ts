import type { Fields, Ref, Schema, Struct } from '../arena'
import { struct } from '../arena'
import type { Source } from './source'

declare const outcome: unique symbol

/** What a step returns when it neither goes to a next step of its own table. */
export interface Outcome {
  readonly [outcome]: 'called' | 'done'
}

/** The kernel that steps see; its tasks may carry more fields than the machine asks for. */
export interface AnyKernel {
  readonly tasks: {
    readonly capacity: number
    isLive(id: number): boolean
    at(id: number): { readonly id: Ref<string> }
  }
}

/** Where a task stands in one operation: its locals by name, and the ways to leave a step. */
export type Frame<K extends AnyKernel, L extends Schema, S extends string> = Fields<L> & {
  readonly task: ReturnType<K['tasks']['at']>
  /** What the operation that this one called last returned. */
  readonly ret: number
  /** Calls `op`; when it is done, this operation goes on at `next` and reads `ret`. */
  call<P extends Schema>(op: Callable<P>, args: Fields<P>, next: S): Outcome
  /** Ends the operation. `value` is the kernel's return value; negative numbers are errnos. */
  done(value?: number): Outcome
}

/** Who has what a task waits for. */
export interface Holder {
  /** The task that has it, or had it taken; 0 where no task did. */
  readonly task: number
  /** How it is held, where that is more than the lock itself; or what holds it, where no task does. */
  readonly by?: string
  /** When it is let go: as the task goes on in its call, when hardware is done, or when its owner likes. */
  readonly until: 'call' | 'hardware' | 'owner'
}

/** As `ps` prints it: S sleeps and takes signals, D does not, R spins, X is dead. */
export type WaitState = 'S' | 'D' | 'R' | 'X'

/** A condition on which a step sleeps or spins. */
export interface Wait<K, F> {
  ready(k: K, t: F): boolean
  /** One sentence for the page: what is waited for, with the numbers of the moment, and who holds it. */
  reason(k: K, t: F): string
  /** Everybody who must let go before the task goes on; asked only while it is not ready. */
  holders(k: K, t: F): readonly Holder[]
  /** How it waits; a function where what becomes of the thread changes it. */
  readonly state: WaitState | ((k: K, t: F) => WaitState)
  /** True if a signal ends the wait, where the state does not say so. */
  readonly takesSignals?: true
}

/** One transition that another CPU could observe: atomic and deterministic. */
export interface Step<K, F, S extends string> {
  /** One sentence: what happens here. The page shows it. */
  readonly does: string
  /** The innermost kernel function here, where that is not the operation itself. */
  readonly fn?: string
  readonly source?: Source
  readonly when?: Wait<K, F>
  /** How many alternatives there are now; `run` is told which one was chosen. One if absent. */
  choices?(k: K, t: F): number
  /** Names one of the alternatives. */
  choice?(k: K, t: F, n: number): string
  run(k: K, t: F, choice: number): S | Outcome
}

/** A thing on the page that an operation can be begun at: the struct's name, its row, a key in it. */
export interface Target {
  readonly kind: string
  readonly id: number
  /** Page number in the address space, or file page, where the kind has one. */
  readonly key?: number
}

/** How an operation is begun from outside: what a menu offers, and why it may not be begun now. */
export interface Start<K, P extends Schema> {
  /** What the menu says. */
  readonly label: string
  readonly on: readonly string[]
  /** Who does it: a thread of the process, the administrator's shell, or the device. */
  readonly by: 'process' | 'admin' | 'device'
  /** Is it about such an object at all? Absent: yes. What is not is not in its menu. */
  offered?(k: K, target: Target): boolean
  args(k: K, target: Target): Fields<P>
  /** A sentence why these arguments cannot be begun now, or nothing. Judges hostile input as well. */
  refuse(k: K, args: Fields<P>, task: number): string | undefined
}

export interface Callable<P extends Schema> {
  readonly name: string
  readonly params: P
}

/** An operation as the machine runs it; what it was declared with is erased to the common shape. */
export interface Operation<K extends AnyKernel, P extends Schema = Schema> extends Callable<P> {
  readonly does: string
  readonly source: Source
  /** What the real function does besides, and this one does not. */
  readonly leftOut: string
  /** The functions through which it is reached from user space, innermost first. */
  readonly via: readonly string[]
  readonly start?: Start<K, P>
  /** What it is begun with where nothing else is said. */
  readonly initialArgs: Readonly<Record<string, number | string>>
  /** Parameters and locals as they lie in a frame. */
  readonly frame: Struct
  readonly steps: readonly (Step<K, Frame<K, Schema, string>, string> & { readonly name: string })[]
  readonly stepNumbers: ReadonlyMap<string, number>
  readonly entry: number
}

export interface Declaration<
  K extends AnyKernel,
  P extends Schema,
  L extends Schema,
  S extends string,
> {
  readonly name: string
  readonly does: string
  readonly source: Source
  readonly leftOut: string
  readonly via?: readonly string[]
  readonly start?: Start<K, P>
  readonly params?: P
  readonly locals?: L
  readonly entry: NoInfer<S>
  readonly steps: { readonly [N in S]: Step<K, Frame<K, P & L, NoInfer<S>>, NoInfer<S>> }
}

/** Gives the `operation` function of one kind of kernel. */
export const operationsOf =
  <K extends AnyKernel>() =>
  <
    S extends string,
    P extends Schema = Record<never, never>,
    L extends Schema = Record<never, never>,
  >(
    declared: Declaration<K, P, L, S>,
  ): Operation<K, P> => {
    const names = Object.keys(declared.steps) as S[]
    const stepNumbers = new Map<string, number>(names.map((name, number) => [name, number]))
    const params = declared.params ?? ({} as P)
    const steps = names.map((name) => ({ ...declared.steps[name], name }))
    const { name, does, source, leftOut, via = [], start } = declared
    return {
      name,
      does,
      source,
      leftOut,
      via,
      ...(start === undefined ? {} : { start }),
      params,
      initialArgs: Object.fromEntries(
        Object.entries(params).map(([param, { initial }]) => [param, initial]),
      ),
      frame: struct('frame', { ...params, ...declared.locals }),
      // A frame's fields are known to its own steps alone; the machine only passes it through.
      steps: steps as unknown as Operation<K, P>['steps'],
      stepNumbers,
      entry: stepNumbers.get(declared.entry) as number,
    }
  }
