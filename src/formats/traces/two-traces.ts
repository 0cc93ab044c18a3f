import type { Difference } from '../../arena'
import type { Kernel } from '../../linux/kernel'
import { isDid, pairs, type Row, type Side } from '../../machine'
import { ascii, COLUMNS, wrapped } from '../text/mail-text'
import { type Edit, unifiedDiff } from '../text/unified-diff'
import { type Lanes, laneNames, lanesOf, stepLines } from './step-lines'

/** One of two sides: what it is called, in one line, and a kernel that names the fields. */
export interface NamedSide {
  readonly title: string
  readonly kernel: Kernel
}

/** Two sides of one schedule, and in what they differ before it begins. */
export interface TwoTraces {
  readonly a: NamedSide
  readonly b: NamedSide
  readonly start: readonly Difference[]
  readonly rows: readonly Row[]
}

/** Lines of a unified diff begin with a sign. */
const ROOM = COLUMNS - 1
const INDENT = '    '

/**
 * Both sides as a unified diff of their traces, as `diff -u` prints it, in ASCII of at most 72 columns.
 * Nothing where they are the same.
 */
export function diffOfTraces({ a, b, start, rows }: TwoTraces): string {
  const sides = rows.flatMap((row) => [row.a, row.b]).filter(isDid)
  const lanes = lanesOf(
    sides.map(({ moment }) => moment),
    ROOM,
  )
  const edits: Edit[] = [
    { kind: ' ', text: laneNames(lanes).replace('#', ' '), heading: 'the start' },
    ...start.flatMap(startEdits),
    ...rows.flatMap((row) => rowEdits(row, a.kernel, b.kernel, lanes)),
  ]
  const name = (letter: string, { title }: NamedSide) =>
    ascii(`${letter}/${title}`).slice(0, COLUMNS - 4)
  return unifiedDiff(
    name('a', a),
    name('b', b),
    edits.map((edit) => ({ ...edit, text: ascii(edit.text) })),
  )
}

/** In what the sides differ before the first step. */
function startEdits({ where, field, a, b }: Difference): Edit[] {
  const name = field === '' ? where : `${where}.${field}`
  const line = (value: string) => wrapped(`${name}: ${value}`, INDENT, ROOM)
  return changed(line(a), line(b))
}

function rowEdits(row: Row, a: Kernel, b: Kernel, lanes: Lanes): Edit[] {
  const left = sideLines(a, row.a, lanes)
  const right = sideLines(b, row.b, lanes)
  const heading = headingOf(row)
  const edits = row.isSame ? changed(left, left) : different(row, left, right)
  return edits.map((edit) => ({ ...edit, heading }))
}

/** Lines of another step of the same function may be the same: the step’s name tells them apart. */
function different({ a, b }: Row, left: readonly string[], right: readonly string[]): Edit[] {
  return left.join() === right.join()
    ? changed([...left, ...stepName(a)], [...right, ...stepName(b)])
    : changed(left, right)
}

/** The steps are counted on each side: they stand in the heads of the hunks, for lines to be the same. */
function headingOf({ a, b }: Row): string {
  const at = (side: Side | undefined) => (isDid(side) ? `step ${side.at}` : '-')
  return `${at(a)} | ${at(b)}`
}

function sideLines(k: Kernel, side: Side | undefined, lanes: Lanes): string[] {
  if (side === undefined) return []
  return isDid(side)
    ? stepLines(k, side, '', lanes, Number.POSITIVE_INFINITY)
    : wrapped(`${side.who}, passed over: ${side.says}`, INDENT, ROOM)
}

const stepName = (side: Side | undefined): string[] =>
  isDid(side) ? [`       step ${side.moment.operation}.${side.moment.step ?? 'begin'}`] : []

/** Lines that both sides have are there once; of a difference, what goes stands above what comes. */
function changed(a: readonly string[], b: readonly string[]): Edit[] {
  const edits: Edit[] = []
  const coming: Edit[] = []
  for (const [left, right] of pairs(a.length, b.length, 1, (i, j) => (a[i] === b[j] ? 1 : 0))) {
    if (left === undefined) coming.push({ kind: '+', text: b[right as number] as string })
    else if (right === undefined) edits.push({ kind: '-', text: a[left] as string })
    else edits.push(...coming.splice(0), { kind: ' ', text: a[left] as string })
  }
  return [...edits, ...coming]
}
