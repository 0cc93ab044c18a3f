import type { Change } from '../arena'
import type { AnyKernel } from './operation'
import type { Moment, Steppable, Timeline } from './timeline'

/** What a line of a trace tells. */
export interface TraceLine {
  readonly moment: Moment
  readonly changes: readonly Change[]
  /** Claims that broke at this moment, with what broke them. */
  readonly broken: readonly string[]
}

/** The line of the step that led to where a timeline is. */
export const traceLineNow = <K extends AnyKernel & Steppable<K>>(
  timeline: Timeline<K>,
): TraceLine => ({
  moment: timeline.moments.at(-1) as Moment,
  changes: timeline.changes().filter(({ table, field }) => !isBookkeeping(table, field)),
  broken: timeline
    .standings()
    .filter(({ invariant, since }) => invariant.kind === 'always' && since === timeline.cursor)
    .map(({ invariant, finding }) => `${invariant.claim} ${finding?.says ?? ''}`.trim()),
})

const BOOKKEEPING = new Set(['depth', 'ret', 'calls'])

/** True for what the machine notes of its tasks: where each stands in its calls. Nothing in the kernel reads it. */
export const isBookkeeping = (table: string, field: string): boolean =>
  table === 'frames' || (table === 'tasks' && BOOKKEEPING.has(field))
