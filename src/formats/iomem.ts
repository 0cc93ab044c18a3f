import { type Line, pastedLines } from './text/lines'
import { failure, isControl, quoted, type Result, success, type TextError } from './text/result'

/** A node of an iomem tree as /proc/iomem prints it. */
export interface IomemNode {
  readonly start: bigint
  /** Inclusive. */
  readonly end: bigint
  readonly name: string
  /** 0 at the top. May be more than the 5 levels that the kernel indents. */
  readonly depth: number
  /** Line of the text, from 1. */
  readonly line: number
  readonly children: IomemNode[]
  /** Lenient reading: why the tree cannot have looked like this at one moment. */
  inconsistent?: string
}

export interface IomemListing {
  readonly nodes: readonly IomemNode[]
  /** Every address is zero: the reader of the file lacked CAP_SYS_ADMIN. */
  readonly redacted: boolean
}

export const MAX_IOMEM_LINES = 200_000
const MAX_IOMEM_CHARACTERS = 16 * 1024 * 1024

/** MAX_IORES_LEVEL (kernel/resource.c): deeper nodes are printed at this depth as well. */
const MAX_DEPTH = 5

const REDACTED =
  'All addresses are zero: /proc/iomem was read without CAP_SYS_ADMIN. The shape is shown; read the file as root to get the addresses.'

const fatal = (code: string, { number }: Line, column: number, sentence: string): Result<never> =>
  failure(`Line ${number}: ${sentence} (${code})`, { code, line: number, column })

/**
 * Reads the text of /proc/iomem (kernel/resource.c, r_show; grammar and errors E01–E17 of the iomem
 * sheet, §1.4), also out of a mail. Strict reading refuses a tree that cannot be; lenient reading
 * keeps such lines and says why: a listing can be torn by changes between two read() calls.
 */
export function readIomem(
  text: string,
  mode: 'strict' | 'lenient' = 'strict',
): Result<IomemListing> {
  const early = sizeError(text)
  if (early !== undefined) return { ok: false, error: early }
  const rows: Row[] = []
  for (const line of pastedLines(text)) {
    const row = readRow(line)
    if (!row.ok) return row
    rows.push(row.value)
  }
  if (rows.length === 0)
    return failure('The file is empty: paste what `cat /proc/iomem` printed. (E15)', {
      code: 'E15',
    })
  const zeros = rows.filter(({ start, end }) => start === 0n && end === 0n).length
  const redacted = zeros === rows.length
  const tree = buildTree(rows, mode === 'strict' && !redacted, redacted)
  if (!tree.ok) return tree
  const partly = zeros > 1 && !redacted
  const warnings = redacted ? [REDACTED] : partly ? [partlyRedacted(zeros, rows.length)] : []
  return success({ nodes: tree.value, redacted }, [...warnings, ...tree.warnings])
}

const partlyRedacted = (zeros: number, all: number): string =>
  `Partly redacted listing: ${zeros} of ${all} ranges are zero. (E13)`

function sizeError(text: string): TextError | undefined {
  const zero = text.indexOf('\0')
  if (zero >= 0) {
    const line = text.slice(0, zero).split('\n').length
    return {
      code: 'E16',
      line,
      sentence: `Line ${line}: there are NUL bytes: this is not text. (E16)`,
    }
  }
  if (text.length > MAX_IOMEM_CHARACTERS)
    return {
      code: 'E17',
      sentence: 'The file is larger than 16 MiB: no machine prints that much. (E17)',
    }
  let lines = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1
  return lines > MAX_IOMEM_LINES
    ? {
        code: 'E17',
        sentence: `The file has more than ${MAX_IOMEM_LINES} lines: cut it down to the part of interest. (E17)`,
      }
    : undefined
}

interface Row {
  readonly line: Line
  readonly start: bigint
  readonly end: bigint
  readonly name: string
  /** As printed: at most 5. */
  readonly depth: number
}

const SHAPE = /^( *)([0-9a-fA-F]+)-([0-9a-fA-F]+) : (.*)$/

function readRow(line: Line): Result<Row> {
  const found = SHAPE.exec(line.text)
  if (found === null) return shapeError(line)
  const [, indent = '', first = '', last = '', name = ''] = found
  const column = line.cut + indent.length + 1
  if (indent.length % 2 !== 0)
    return fatal('E04', line, column, 'the indent must be a multiple of two spaces.')
  if (indent.length > 2 * MAX_DEPTH)
    return fatal(
      'E14',
      line,
      column,
      'the kernel cannot print a depth above 5, which is 10 spaces.',
    )
  const width = Math.max(first.length, last.length)
  if (width > 16) return fatal('E11', line, column, 'the address is wider than 64 bits.')
  if (Math.min(first.length, last.length) < 8)
    return fatal(
      'E12',
      line,
      column,
      'the address has fewer than 8 digits: this looks like /proc/ioports, or is cut off.',
    )
  if (name.trim() === '')
    return fatal('E03', line, line.cut + line.text.length, 'the resource name is empty.')
  const control = [...name].findIndex(isControl)
  if (control >= 0)
    return fatal(
      'E16',
      line,
      column + width * 2 + 4 + control,
      'the name has a control character in it.',
    )
  const start = BigInt(`0x${first}`)
  const end = BigInt(`0x${last}`)
  if (end < start) return fatal('E07', line, column, 'the end is below the start.')
  return success({ line, start, end, name, depth: indent.length / 2 })
}

/** Which rule of the grammar a line breaks first. */
function shapeError(line: Line): Result<never> {
  const { text, cut } = line
  const indent = /^\s*/.exec(text)?.[0] ?? ''
  const rest = text.slice(indent.length)
  const column = cut + indent.length + 1
  if (indent.includes('\t'))
    return fatal(
      'E04',
      line,
      cut + 1,
      'the indent must be spaces, two for each level; there is a TAB.',
    )
  if (/^[0-9a-fA-F]+ +-|^[0-9a-fA-F]+- +/.test(rest))
    return fatal('E01', line, column, 'the range must be START-END without spaces.')
  if (/^[0-9a-zA-Z]{8,}-[0-9a-zA-Z]{8,} : /.test(rest)) {
    const bad = /[^0-9a-fA-F-]/.exec(rest)?.index ?? 0
    return fatal('E06', line, column + bad, `bad hex digit ${quoted(rest[bad] ?? '')}.`)
  }
  if (/^[0-9a-fA-F]+-[0-9a-fA-F]+ : ?$/.test(rest))
    return fatal('E03', line, column, 'the resource name is empty.')
  if (/^[0-9a-fA-F]+-[0-9a-fA-F]+/.test(rest))
    return fatal('E02', line, column, "expected ' : ' between range and name.")
  return fatal(
    'E02',
    line,
    column,
    `this is not a line of /proc/iomem: ${quoted(rest)}. Expected START-END : NAME.`,
  )
}

const holds = (outer: IomemNode, inner: Row): boolean =>
  outer.start <= inner.start && inner.end <= outer.end

/** Nests the rows by their indent. At depth 5 the ranges tell what the indent no longer can. */
function buildTree(rows: readonly Row[], strict: boolean, redacted: boolean): Result<IomemNode[]> {
  const top: IomemNode[] = []
  const open: IomemNode[] = []
  const warnings: string[] = []
  for (const row of rows) {
    const previous = open.at(-1)
    const printed = previous === undefined ? -1 : Math.min(previous.depth, MAX_DEPTH)
    if (row.depth > printed + 1)
      return fatal(
        'E05',
        row.line,
        row.line.cut + 1,
        'the indent is deeper than the line before allows.',
      )
    while (open.length > row.depth && !(row.depth === MAX_DEPTH && isBelow(open, row))) open.pop()
    const parent = open.at(-1)
    const siblings = parent?.children ?? top
    const problem = redacted ? undefined : inconsistency(row, parent, siblings.at(-1))
    if (problem !== undefined && strict)
      return fatal(
        problem.code,
        row.line,
        row.line.cut + 1,
        `${problem.says} Read it leniently if the listing was torn.`,
      )
    const node = nodeOf(row, open.length)
    if (problem !== undefined) node.inconsistent = `${problem.code} ${problem.says}`
    siblings.push(node)
    open.push(node)
  }
  return success(top, warnings)
}

/** True if the innermost open node is of the deepest printed level or deeper, and contains the row. */
function isBelow(open: readonly IomemNode[], row: Row): boolean {
  const last = open.at(-1)
  return last !== undefined && last.depth >= MAX_DEPTH && holds(last, row) && last.start < last.end
}

const nodeOf = ({ start, end, name, line }: Row, depth: number): IomemNode => ({
  start,
  end,
  name,
  depth,
  line: line.number,
  children: [],
})

function inconsistency(
  row: Row,
  parent: IomemNode | undefined,
  before: IomemNode | undefined,
): { code: string; says: string } | undefined {
  if (parent !== undefined && !holds(parent, row))
    return {
      code: 'E08',
      says: `the child is not inside its parent ${quoted(parent.name)} (line ${parent.line}).`,
    }
  if (before === undefined || row.start > before.end) return undefined
  return row.start < before.start
    ? {
        code: 'E10',
        says: `siblings are out of order: ${quoted(before.name)} (line ${before.line}) lies higher.`,
      }
    : {
        code: 'E09',
        says: `the range overlaps its previous sibling ${quoted(before.name)} (line ${before.line}).`,
      }
}

const hex8 = (address: bigint): string => address.toString(16).padStart(8, '0')

/** Prints a tree as r_show() does: 8 digits at least, two spaces a level, never more than five levels. */
export function writeIomem(nodes: readonly IomemNode[]): string {
  const lines: string[] = []
  const open = [...nodes].reverse()
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const indent = '  '.repeat(Math.min(node.depth, MAX_DEPTH))
    lines.push(`${indent}${hex8(node.start)}-${hex8(node.end)} : ${node.name || '<BAD>'}\n`)
    for (let i = node.children.length - 1; i >= 0; i--) open.push(node.children[i] as IomemNode)
  }
  return lines.join('')
}
