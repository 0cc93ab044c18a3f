import type { Kernel } from '../linux/kernel'
import type { TraceLine } from '../machine'
import { ascii, COLUMNS, wrapped } from './text/mail-text'
import { laneNames, lanesOf, stepLines } from './traces/step-lines'

/** What a trace is headed and signed with. */
export interface TraceHead {
  readonly scenario: string
  readonly preset: string
  readonly policies: Readonly<Record<string, string>>
  /** The fragment of the link to its end. */
  readonly link: string
}

/** Changed fields of a step that a mail has room for. */
const MOST_FIELDS = 4

/**
 * A trace for a plain-text mail: ASCII, at most 72 columns, a column for each thread, a line a step,
 * changed fields below it, the link at the end.
 */
export function mailTrace(k: Kernel, head: TraceHead, lines: readonly TraceLine[]): string {
  const lanes = lanesOf(lines.map(({ moment }) => moment))
  const settings = Object.entries(head.policies).map(([name, value]) => `${name} ${value}`)
  const title = wrapped(
    `pinhole 1  scenario ${head.scenario}  kernel ${head.preset}  ${settings.join('  ')}`,
  )
  const body = lines.flatMap((line, i) => stepLines(k, line, String(i + 1), lanes, MOST_FIELDS))
  return [...title, '', laneNames(lanes), ...body, '', ...linkLines(head.link), '']
    .map(ascii)
    .join('\n')
}

/** The link, cut where a mail would wrap it; what reads it joins it again. */
const linkLines = (link: string): string[] =>
  `#${link}`.match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? []
