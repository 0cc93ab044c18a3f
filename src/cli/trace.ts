import { changedField } from '../formats/traces/step-lines'
import type { Kernel } from '../linux/kernel'
import { type Timeline, type TraceLine, traceLineNow } from '../machine'
import { say, UserError } from './output'

/** A step of the trace, ready for JSON. */
export interface TraceStep {
  readonly step: number
  readonly who: string
  readonly operation: string
  readonly name: string | null
  readonly fn: string
  readonly does: string
  readonly returned: number | null
  readonly changed: readonly ReturnType<typeof changedField>[]
  readonly broken: readonly string[]
}

/** Plays the whole schedule; where it cannot go on, the user is told. */
export function play(timeline: Timeline<Kernel>): TraceLine[] {
  const lines: TraceLine[] = []
  while (timeline.cursor < timeline.length) {
    const refused = timeline.seek(timeline.cursor + 1)
    if (refused !== undefined) throw new UserError(refused)
    lines.push(traceLineNow(timeline))
  }
  return lines
}

export const traceSteps = (k: Kernel, lines: readonly TraceLine[]): TraceStep[] =>
  lines.map(({ moment, changes, broken }, i) => ({
    step: i + 1,
    who: moment.who,
    operation: moment.operation,
    name: moment.step ?? null,
    fn: moment.fn,
    does: moment.does,
    returned: moment.returned ?? null,
    changed: changes.map((change) => changedField(k, change)),
    broken,
  }))

export function printStep({ step, who, fn, does, returned, changed, broken }: TraceStep): void {
  const end = returned === null ? '' : `  = ${returned}`
  say(`${String(step).padStart(4)}  ${who.padEnd(14)} ${fn}()${end}`)
  say(`      ${does}`)
  for (const { where, field, before, after } of changed)
    say(`        ${where}.${field}: ${before} -> ${after}`)
  for (const claim of broken) say(`    ! ${claim}`)
}
