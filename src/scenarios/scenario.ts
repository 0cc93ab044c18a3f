import type { Kernel } from '../linux/kernel'

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
  readonly operation?: string
  readonly args?: (k: Kernel) => Readonly<Record<string, number | string>>
  /** Stop before this step. Without it the thread runs until it is done, or waits. */
  readonly until?: string
}

/** A passage of the story: acts, and the text to show while they run and when they are over. */
export interface Beat {
  readonly title: string
  /** What is true under every policy, or what is true under the chosen ones at the end of the acts. */
  readonly text: string | ((policies: Setup['policies'], k: Kernel) => string)
  readonly acts: readonly Act[]
}

export interface Scenario {
  readonly name: string
  readonly title: string
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
  /** What is simplified here, in sentences that the page shows. */
  readonly simplified: readonly string[]
  build(setup: Setup): Kernel
  readonly story: readonly Beat[]
}
