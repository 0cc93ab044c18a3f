import { failure, firstControl, quoted, type Result, success } from '../text/result'
import type { Line } from '../text/unquote'
import { MAX_PRINTED_DEPTH } from './node'

/** One line of /proc/iomem, not yet in a tree. */
export interface IomemLine {
  readonly line: Line
  readonly start: bigint
  readonly end: bigint
  readonly name: string
  /** As printed: at most 5. */
  readonly depth: number
}

/** An error of the iomem sheet (§1.4) at an index of the line, as a sentence with its place. */
export function lineError(code: string, { number, cut }: Line, at: number, says: string) {
  const column = cut + at + 1
  const sentence = `Line ${number}, column ${column}: ${says} (${code}).`
  return failure(sentence, { code, line: number, column })
}

/**
 * Reads `indent START-END : NAME` (kernel/resource.c, r_show). Upper-case digits are accepted.
 * Errors E01–E04, E06, E07, E11, E12, E14, and E16 for a control character in the name.
 */
export function readIomemLine(line: Line): Result<IomemLine> {
  const depth = readIndent(line)
  if (!depth.ok) return depth
  const range = readRange(line, 2 * depth.value)
  if (!range.ok) return range
  const name = readName(line, range.value.next)
  if (!name.ok) return name
  const { start, end } = range.value
  return success({ line, start, end, name: name.value, depth: depth.value })
}

function readIndent(line: Line): Result<number> {
  const indent = /^\s*/.exec(line.text)?.[0] ?? ''
  const bad = indent.search(/[^ ]/)
  if (bad >= 0)
    return lineError('E04', line, bad, 'indent must be a multiple of two spaces, and here is a TAB')
  if (indent.length >= 2 * (MAX_PRINTED_DEPTH + 1))
    return lineError(
      'E14',
      line,
      indent.length,
      'depth above 5 cannot be printed by the kernel; indent by at most 10 spaces',
    )
  if (indent.length % 2 !== 0)
    return lineError(
      'E04',
      line,
      indent.length,
      `indent must be a multiple of two spaces, and here are ${indent.length}`,
    )
  return success(indent.length / 2)
}

const DIGITS = /[0-9a-fA-F]*/y
const LOOKS = 'a line looks like "00100000-3fffffff : System RAM"'

function readRange(line: Line, at: number): Result<{ start: bigint; end: bigint; next: number }> {
  const dash = digitsEnd(line, at)
  if (line.text[dash] !== '-' || dash === at) return rangeError(line, dash)
  const next = digitsEnd(line, dash + 1)
  if (next === dash + 1 || /[\p{L}\p{N}_]/u.test(line.text[next] ?? ''))
    return rangeError(line, next)
  const width = widthError(line, at, dash - at) ?? widthError(line, dash + 1, next - dash - 1)
  if (width !== undefined) return width
  const start = BigInt(`0x${line.text.slice(at, dash)}`)
  const end = BigInt(`0x${line.text.slice(dash + 1, next)}`)
  if (end < start)
    return lineError('E07', line, dash + 1, 'end below start; write the lower address first')
  return success({ start, end, next })
}

function digitsEnd({ text }: Line, at: number): number {
  DIGITS.lastIndex = at
  DIGITS.test(text)
  return DIGITS.lastIndex
}

/** The character at `at` is where a digit or the "-" should be. */
function rangeError(line: Line, at: number): Result<never> {
  const character = String.fromCodePoint(line.text.codePointAt(at) ?? 32)
  return /[\s:-]/.test(character)
    ? lineError('E01', line, at, `range must be START-END without spaces; ${LOOKS}`)
    : lineError('E06', line, at, `bad hex digit ${quoted(character)}; ${LOOKS}`)
}

function widthError(line: Line, at: number, width: number): Result<never> | undefined {
  if (width > 16)
    return lineError(
      'E11',
      line,
      at,
      `address wider than 64 bits; it has ${width} digits, and 16 are the most`,
    )
  if (width < 8)
    return lineError(
      'E12',
      line,
      at,
      'looks like /proc/ioports or truncated address; /proc/iomem prints at least 8 digits',
    )
  return undefined
}

const SEPARATOR = ' : '

function readName(line: Line, at: number): Result<string> {
  const rest = line.text.slice(at)
  if (/^ :\s*$/.test(rest))
    return lineError('E03', line, line.text.length, 'empty resource name; write one after " : "')
  if (!rest.startsWith(SEPARATOR))
    return lineError('E02', line, at, `expected ' : ' between range and name; ${LOOKS}`)
  const name = rest.slice(SEPARATOR.length)
  const control = firstControl(name)
  if (control < 0) return success(name)
  return lineError(
    'E16',
    line,
    at + SEPARATOR.length + control,
    'control character in the name; remove it',
  )
}
