import type { Kernel } from '../linux/kernel'
import type { Evidence } from '../machine'

/** A number that a scenario can be started with. */
export interface Param {
  readonly title: string
  readonly initial: number
  readonly min: number
  readonly max: number
}

/** What a scenario is started with. */
export interface Setup {
  readonly policies: Readonly<Record<string, string>>
  readonly params: Readonly<Record<string, number>>
}

/** One act of a story: a thread begins an operation and goes on to its end, or to a named step. */
export interface Act {
  /** Name of the thread. */
  readonly who: string
  /** The operation to begin; absent where the thread goes on with what it is in. */
  readonly operation?: string | ((k: Kernel) => string)
  readonly args?: (k: Kernel) => Readonly<Record<string, number | string>>
  /** Stop before this step, or the first of these. Without it the thread runs until it is done, or waits. */
  readonly until?: string | readonly string[]
  /** The act is left out where this is false: what it is about is not there under every policy. */
  readonly when?: (k: Kernel) => boolean
}

/** What is often said of the kernel and is not so, with what is. */
export interface OftenSaid {
  readonly said: string
  readonly but: string
}

type Policies = Setup['policies']

/** A passage of the story: acts, and the text to show while they run and when they are over. */
export interface Beat {
  readonly title: string
  /** What is true under every policy, or what is true under the chosen ones at the end of the acts. */
  readonly text: string | ((policies: Policies, k: Kernel) => string)
  readonly acts: readonly Act[]
  /** How sure the passage is, where that is less, or more, than to have read it in the source. */
  readonly evidence?: Evidence | ((policies: Policies, k: Kernel) => Evidence | undefined)
  readonly oftenSaid?: OftenSaid
}

export interface Scenario {
  readonly name: string
  readonly title: string
  /** What lists show it under. */
  readonly family?: string
  /** What the scenario asks, in one sentence. */
  readonly question: string
  readonly preset: string
  /** Names of the policies that make a difference here. */
  readonly policies: readonly string[]
  readonly params: Readonly<Record<string, Param>>
  /** Policy values that the scenario starts with, whatever the preset says; a choice overrides them. */
  readonly starts?: Readonly<Record<string, string>>
  /** The recording that backs it, and the kernel that it was made on. */
  readonly recorded?: { readonly file: string; readonly kernel: string }
  /** How sure the scenario is as a whole, where no kernel developer has said that it can happen. */
  readonly evidence?: Evidence
  /** What is simplified here, in sentences that the page shows. */
  readonly simplified: readonly string[]
  build(setup: Setup): Kernel
  readonly story: readonly Beat[]
  /**
   * Title of the passage from which a search lets the threads run free; what comes before it is done in
   * its order, as the setting of the race. Without it they are free from the beginning.
   */
  readonly freeFrom?: string
  /** Groups of threads, by name, that differ in their names alone: a search may take them for each other. */
  readonly identical?: (setup: Setup) => readonly (readonly string[])[]
}
