import { type Change, showValue } from '../arena'
import type { Kernel } from '../linux/kernel'
import type { Moment, Timeline } from '../machine'

/** What one line of a trace needs. */
export interface TraceLine {
  readonly moment: Moment
  readonly changes: readonly Change[]
  /** Claims that broke at this moment, with what broke them. */
  readonly broken: readonly string[]
}

/** The line of the step that led to where a timeline is. */
export const traceLineNow = (timeline: Timeline<Kernel>): TraceLine => ({
  moment: timeline.moments.at(-1) as Moment,
  changes: timeline.changes(),
  broken: timeline
    .standings()
    .filter(({ invariant, since }) => invariant.kind === 'always' && since === timeline.cursor)
    .map(({ invariant, finding }) => `${invariant.claim} ${finding?.says ?? ''}`.trim()),
})

/** What a trace is headed and signed with. */
export interface TraceHead {
  readonly scenario: string
  readonly preset: string
  readonly policies: Readonly<Record<string, string>>
  /** The fragment of the link to its end. */
  readonly link: string
}

/** Plain mails are wrapped behind this column. */
const COLUMNS = 72
const NUMBER = 4

/**
 * A trace for a plain-text mail: ASCII, at most 72 columns, a column for each thread, a line a step,
 * changed fields at the right where they fit and below where not, the link at the end.
 */
export function mailTrace(k: Kernel, head: TraceHead, lines: readonly TraceLine[]): string {
  const threads = [...new Map(lines.map(({ moment }) => [moment.task, moment.who]))].sort(
    ([a], [b]) => a - b,
  )
  const width = Math.min(30, Math.floor((COLUMNS - NUMBER) / Math.max(1, threads.length)))
  const settings = Object.entries(head.policies).map(([name, value]) => `${name} ${value}`)
  const title = wrapped(
    `pinhole 1  scenario ${head.scenario}  kernel ${head.preset}  ${settings.join('  ')}`,
  )
  const names = `${'#'.padStart(NUMBER - 1)} ${threads.map(([, who]) => cell(who, width)).join('')}`
  const body = lines.flatMap((line, i) => stepLines(k, line, i + 1, threads, width))
  return [...title, '', names.trimEnd(), ...body, '', ...linkLines(head.link), '']
    .map(ascii)
    .join('\n')
}

function stepLines(
  k: Kernel,
  { moment, changes, broken }: TraceLine,
  number: number,
  threads: readonly (readonly [number, string])[],
  width: number,
): string[] {
  const end = moment.returned === undefined ? '' : ` = ${moment.returned}`
  const cells = threads.map(([task]) =>
    cell(task === moment.task ? `${moment.fn}()${end}` : '.', width),
  )
  const step = `${String(number).padStart(NUMBER - 1)} ${cells.join('')}`.trimEnd()
  const told = changes.filter(isWorthTelling).map((change) => changeText(k, change))
  const shown = told.slice(0, 4).flatMap((text) => wrapped(text, '       '))
  const more = told.length > 4 ? [`       and ${told.length - 4} more fields`] : []
  return [step, ...shown, ...more, ...broken.flatMap((claim) => wrapped(`! ${claim}`, ''))]
}

/** The machine's own bookkeeping is not what changed in the kernel. */
export const isWorthTelling = ({ table, field }: Change): boolean =>
  table !== 'frames' && !(table === 'tasks' && (field === 'depth' || field === 'ret'))

/** A changed field in words: where, and its values before and after. */
export function changedField(k: Kernel, { table, where, field, before, after }: Change) {
  const all = { ...k.heap.tables, ...k.heap.ranges }
  const kind = all[table as keyof typeof all]?.def.places.find(({ name }) => name === field)?.field
  const show = (value: unknown) =>
    value === undefined || kind === undefined ? 'nothing' : showValue(kind, value)
  const at = where.kind === 'row' ? `[${where.id}]` : ` 0x${where.start.toString(16)}`
  return { where: `${table}${at}`, field, before: show(before), after: show(after) }
}

function changeText(k: Kernel, change: Change): string {
  const { where, field, before, after } = changedField(k, change)
  return `${where}.${field}: ${before} -> ${after}`
}

/** A cell of a column: cut, and with one blank behind it at least. */
const cell = (text: string, width: number): string =>
  `${text.length < width ? text : `${text.slice(0, width - 3)}..`} `.padEnd(width).slice(0, width)

/** Breaks a text at blanks into lines that fit; a word that does not is cut. */
function wrapped(text: string, indent = ''): string[] {
  const room = COLUMNS - indent.length
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').map((each) => each.slice(0, room))) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line]
}

/** The link, cut where a mail would wrap it; what reads it joins it again. */
const linkLines = (link: string): string[] =>
  `#${link}`.match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? []

/** A mail in other characters would be encoded: names and sentences are spelled without them. */
const ascii = (text: string): string =>
  text
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\u201c\u201d]/g, '"')
    .replace(/\u2192/g, '->')
    .replace(/\u2026/g, '...')
    .replace(/[^\n\x20-\x7e]/g, '?')
