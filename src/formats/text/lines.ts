/** A line of a text, with the number that it had where it came from, from 1. */
export interface Line {
  readonly number: number
  /** Columns that were taken off the front. */
  readonly cut: number
  readonly text: string
}

const BYTE_ORDER_MARK = '\ufeff'
const QUOTE = /^(?:>[ ]?)+/
const ATTRIBUTION = /^On .{1,200} wrote:$/

/**
 * The lines of a pasted text, without what mail put around them: quotes (`> `, `> > `), a line of
 * attribution, an indent that all lines share, line ends, and blank lines. Each keeps its own number.
 */
export function pastedLines(text: string): Line[] {
  const plain = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
  const all = plain.split('\n').map((line, i) => ({
    number: i + 1,
    cut: 0,
    text: line.endsWith('\r') ? line.slice(0, -1) : line,
  }))
  const written = all.filter((line) => line.text.trim() !== '')
  return withoutIndent(withoutQuotes(withoutAttribution(written)))
}

const withoutAttribution = (lines: Line[]): Line[] =>
  lines[0] !== undefined && ATTRIBUTION.test(lines[0].text.trim()) ? lines.slice(1) : lines

/** Takes quotes off where every line has one; `>` alone may begin a name. */
function withoutQuotes(lines: Line[]): Line[] {
  if (lines.length === 0 || !lines.every(({ text }) => text.trimStart().startsWith('>')))
    return lines
  const depth = Math.min(...lines.map(({ text }) => quoteDepth(text)))
  const bare = lines.map((line) => cutOff(line, quoteLength(line.text, depth)))
  return bare.filter(({ text }) => text.trim() !== '')
}

const quoteDepth = (text: string): number =>
  (QUOTE.exec(text.trimStart())?.[0].match(/>/g) ?? []).length

/** Columns of the first `depth` quote marks, each with at most one blank behind it. */
function quoteLength(text: string, depth: number): number {
  let at = text.length - text.trimStart().length
  for (let mark = 0; mark < depth; mark++) {
    at = text.indexOf('>', at) + 1
    if (text[at] === ' ') at += 1
  }
  return at
}

function withoutIndent(lines: Line[]): Line[] {
  let common = Number.POSITIVE_INFINITY
  for (const { text } of lines) common = Math.min(common, /^ */.exec(text)?.[0].length ?? 0)
  return common === 0 || !Number.isFinite(common)
    ? lines
    : lines.map((line) => cutOff(line, common))
}

const cutOff = ({ number, cut, text }: Line, columns: number): Line => ({
  number,
  cut: cut + columns,
  text: text.slice(columns),
})
