/** A line of a text, with the number that it had where it came from, from 1. */
export interface Line {
  readonly number: number
  /** Columns that were taken off the front. */
  readonly cut: number
  readonly text: string
}

const BYTE_ORDER_MARK = '\ufeff'
const MAX_QUOTE_DEPTH = 32
const BLANK = /^ /
const MARK = /^[ \t]*>/
/** Mail programs break the line of attribution at about 72 columns. */
const ATTRIBUTION_LINES = 3

/**
 * The lines of a pasted text without what mail and documents put around them: a byte order mark,
 * CRLF, quote marks (`> `, `>> `, `> > `) and an indent that all lines share, a line "On … wrote:"
 * before them, and blank lines before and after. A blank line between others becomes ''.
 * A single line keeps its indent, which nothing shows to be common.
 */
export function unquote(text: string): Line[] {
  const plain = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
  const lines = plain.split('\n').map((line, i) => asLine(line, i + 1))
  return withoutIndent(withoutQuotes(trimmed(lines)))
}

/** Lines of a text; one that ends in a newline has no further, empty line. */
export function countLines(text: string): number {
  let lines = text === '' || text.endsWith('\n') ? 0 : 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}

/** The place in the given text of a place in the joined lines; all counted from 1. */
export function placeIn(lines: readonly Line[], line: number, column: number) {
  const { number, cut } = lines[line - 1] ?? { number: line, cut: 0 }
  return { line: number, column: column + cut }
}

const isBlank = ({ text }: Line): boolean => text.trim() === ''

function asLine(line: string, number: number): Line {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  return { number, cut: 0, text }
}

function withoutQuotes(given: Line[]): Line[] {
  let lines = withoutAttribution(given)
  let depth = 0
  while (depth < MAX_QUOTE_DEPTH && allMatch(lines, MARK)) {
    lines = withoutAttribution(trimmed(lines.map((line) => cutOff(line, MARK))))
    depth += 1
  }
  return depth > 0 && allMatch(lines, BLANK) ? lines.map((line) => cutOff(line, BLANK)) : lines
}

function withoutAttribution(lines: Line[]): Line[] {
  if (!/^[ \t]*On\b/.test(lines[0]?.text ?? '')) return lines
  const head = lines.slice(0, ATTRIBUTION_LINES)
  const last = head.findIndex(({ text }) => text.trimEnd().endsWith('wrote:'))
  return last < 0 ? lines : trimmed(lines.slice(last + 1))
}

/** True if every line that is not blank begins with the pattern, and there is such a line. */
const allMatch = (lines: readonly Line[], start: RegExp): boolean =>
  lines.length > 0 && lines.every((line) => isBlank(line) || start.test(line.text))

const cutOff = (line: Line, pattern: RegExp): Line =>
  cutColumns(line, line.text.match(pattern)?.[0]?.length ?? 0)

const cutColumns = ({ number, cut, text }: Line, columns: number): Line => ({
  number,
  cut: cut + columns,
  text: text.slice(columns),
})

function withoutIndent(lines: Line[]): Line[] {
  const written = lines.filter((line) => !isBlank(line))
  const common = written.length < 2 ? 0 : commonIndent(written)
  return lines.map((line) => (isBlank(line) ? { ...line, text: '' } : cutColumns(line, common)))
}

/** Length of the longest run of blanks and TABs that all lines begin with. */
function commonIndent(lines: readonly Line[]): number {
  let indent = /^[ \t]*/.exec(lines[0]?.text ?? '')?.[0] ?? ''
  for (const { text } of lines) while (!text.startsWith(indent)) indent = indent.slice(0, -1)
  return indent.length
}

function trimmed(lines: Line[]): Line[] {
  const first = lines.findIndex((line) => !isBlank(line))
  const last = lines.findLastIndex((line) => !isBlank(line))
  return first < 0 ? [] : lines.slice(first, last + 1)
}
