import type { AnyKernel } from './operation'
import type { Source } from './source'

/** What breaks a property, or shows it: an object, and a sentence about it with its numbers. */
export interface Finding {
  readonly table: string
  readonly id: number
  readonly key?: number
  readonly says: string
}

/** A property that is one of each task by itself. */
export interface OfTasks<K> {
  /**
   * What it finds by one live task; the whole property is the first that it finds by any. Whoever knows
   * that a task’s answer cannot have changed need not ask it again.
   */
  byTask(k: K, task: number): Finding | undefined
  /** While this is false, no task is asked. */
  when?(k: K): boolean
}

interface Property<K> extends Partial<OfTasks<K>> {
  readonly name: string
  /** The property as one sentence, as the page prints it. */
  readonly claim: string
  readonly sources: readonly Source[]
}

/** A stretch in which a property may be broken: the kernel breaks it there, and mends it before it ends. */
export interface Window<K> {
  /** When that is, behind the words “may be broken”. */
  readonly says: string
  readonly isOpen: (k: K) => boolean
}

/** Must hold at every moment, but inside its windows. */
export interface Always<K> extends Property<K> {
  readonly kind: 'always'
  readonly windows: readonly Window<K>[]
  /** The first object that breaks it, or nothing. */
  broken(k: K): Finding | undefined
}

/** Must be reachable: shows that the model can get to the interesting moment at all. */
export interface Sometimes<K> extends Property<K> {
  readonly kind: 'sometimes'
  shown(k: K): Finding | undefined
}

export type Invariant<K> = Always<K> | Sometimes<K>

/** What is asked of the whole state is not asked of tasks, and the other way about. */
type Without<Names extends string> = { readonly [name in Names]?: never }
type WholeAlways<K> = Omit<Always<K>, 'kind' | 'windows' | keyof OfTasks<K>> &
  Partial<Pick<Always<K>, 'windows'>> &
  Without<keyof OfTasks<K>>
type WholeSometimes<K> = Omit<Sometimes<K>, 'kind' | keyof OfTasks<K>> & Without<keyof OfTasks<K>>
/** One of tasks has no windows: it is known by task, and a window is open for all. */
type AlwaysByTask<K> = Omit<Always<K>, 'kind' | 'windows' | 'broken'> &
  OfTasks<K> &
  Without<'windows' | 'broken'>
type SometimesByTask<K> = Omit<Sometimes<K>, 'kind' | 'shown'> & OfTasks<K> & Without<'shown'>

const firstOf =
  <K extends AnyKernel>({ byTask, when }: OfTasks<K>) =>
  (k: K): Finding | undefined => {
    if (when?.(k) === false) return undefined
    for (let task = 1; task <= k.tasks.capacity; task++) {
      const finding = k.tasks.isLive(task) ? byTask(k, task) : undefined
      if (finding !== undefined) return finding
    }
    return undefined
  }

/** Gives the `always` and `sometimes` functions of one kind of kernel; those of tasks ask each in turn. */
export const invariantsOf = <K extends AnyKernel>() => ({
  always: ({
    windows = [],
    broken,
    ...declared
  }: WholeAlways<K>): Always<K> & Without<keyof OfTasks<K>> => ({
    kind: 'always',
    windows,
    ...declared,
    broken: (k) => (windows.some(({ isOpen }) => isOpen(k)) ? undefined : broken(k)),
  }),
  alwaysByTask: (declared: AlwaysByTask<K>): Always<K> => ({
    kind: 'always',
    ...declared,
    windows: [],
    broken: firstOf(declared),
  }),
  sometimesByTask: (declared: SometimesByTask<K>): Sometimes<K> => ({
    kind: 'sometimes',
    ...declared,
    shown: firstOf(declared),
  }),
  sometimes: (declared: WholeSometimes<K>): Sometimes<K> => ({
    kind: 'sometimes',
    ...declared,
  }),
})
