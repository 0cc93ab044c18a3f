import type { IomemListing } from '../formats/iomem'
import type { NdctlRegion } from '../formats/ndctl'
import type { Policy, Target } from '../machine'
import type { Opened } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'

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

export type PinholeState = SessionState &
  LibraryState &
  AttentionState &
  NoticeState &
  ThemeState &
  ImportState
