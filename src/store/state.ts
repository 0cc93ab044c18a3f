import type { Answer, Example, Question } from '../checker/check'
import type { Progress } from '../checker/messages'
import type { Beginning } from '../checker/programs'
import type { IomemListing } from '../formats/iomem'
import type { NdctlRegion } from '../formats/ndctl'
import type { Policy, Target } from '../machine'
import type { Opened, Request } from '../scenarios/open'
import type { Scenario, Setup } from '../scenarios/scenario'

/** The scenario that is open; its timeline changes in place, and `version` counts the changes. */
export interface SessionState {
  readonly opened: Opened
  readonly version: number
  readonly isPlaying: boolean
}

/** The scenarios that have been loaded, the first of the library at first, with the debates they offer. */
export interface LibraryState {
  readonly scenarios: readonly Scenario[]
  readonly policies: readonly Policy[]
}

/** What the pointer and the reader's attention are on. */
export interface AttentionState {
  readonly hovered: Target | undefined
  readonly selected: Target | undefined
  /** The node of the iomem tree that is zoomed to; 0 is all of it. */
  readonly focus: number
}

/** One sentence that the page has to say. */
export interface NoticeState {
  readonly notice: string | undefined
}

export type Theme = 'auto' | 'light' | 'dark'

export interface ThemeState {
  readonly theme: Theme
}

/** Parts of a machine that were imported one after the other. */
export interface ImportState {
  readonly listing: IomemListing | undefined
  readonly regions: readonly NdctlRegion[]
  /** What the last import was found to be, in sentences. */
  readonly findings: readonly string[]
}

/** What the reader chooses; the rest of the question is what the page shows. */
export interface Wish extends Pick<Question, 'properties' | 'everything' | 'maxStates' | 'reduce'> {
  /** From the moment that is shown, not from the beginning. */
  readonly isFromHere: boolean
  readonly maxSeconds: number
}

/** What a check is about. */
export interface Asked {
  readonly scenario: Scenario
  readonly preset: string
  readonly setup: Setup
  /** What opens the scenario in this way again. */
  readonly request: Request
  /** Absent: from the beginning, with the calls of the story. */
  readonly from: Beginning | undefined
  readonly wish: Wish
  /** The branch of that moment. */
  readonly branch: string
}

/** A search through every interleaving, and what came of it. */
export interface Checking {
  readonly asked: Asked
  readonly phase: 'searching' | 'judging' | 'answered' | 'refused'
  /** Where it runs, when that is known. */
  readonly place?: 'worker' | 'page'
  readonly progress?: Progress
  readonly answer?: Answer
  /** Why there is no answer, or not all of it. */
  readonly sentence?: string
  /** Shortest schedules, by what they lead to. */
  readonly examples: Readonly<Record<string, Example>>
}

export interface CheckingState {
  /** The last check that was asked for. */
  readonly checking: Checking | undefined
}

export type PinholeState = SessionState &
  LibraryState &
  AttentionState &
  NoticeState &
  ThemeState &
  ImportState &
  CheckingState
