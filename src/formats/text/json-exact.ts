import { failure, firstControl, quoted, type Result, success } from './result'

/** What JSON text can say. Whole numbers beyond 2^53 are bigint, so that no address is rounded. */
export type JsonValue = null | boolean | string | number | bigint | JsonValue[] | JsonObject

/** Has no prototype: a key "__proto__" is a key like any other. */
export interface JsonObject {
  [key: string]: JsonValue
}

export interface JsonLimits {
  /** How deep arrays and objects may nest. */
  readonly depth?: number
  /** UTF-16 units of text. */
  readonly characters?: number
  /** The place to name for a place in the text, if the text was cut out of another one. */
  readonly place?: (line: number, column: number) => { line: number; column: number }
}

export const MAX_JSON_DEPTH = 64
export const MAX_JSON_CHARACTERS = 16 * 1024 * 1024
/** More digits are no number that a kernel tool prints, and slow to convert. */
const MAX_DIGITS = 40

/**
 * Reads JSON (RFC 8259) without rounding; JSON.parse rounds serial numbers and addresses above 2^53.
 * Of two equal keys the last one counts. Errors name line and column, from 1; nothing is thrown.
 */
export function readJson(text: string, limits: JsonLimits = {}): Result<JsonValue> {
  const { depth = MAX_JSON_DEPTH, characters = MAX_JSON_CHARACTERS } = limits
  const place = limits.place ?? ((line, column) => ({ line, column }))
  if (text.length > characters)
    return failure(`The JSON is longer than ${characters} characters: give a smaller part of it.`)
  const reader = new JsonReader(text, depth)
  const value = reader.document()
  if (reader.wrong === undefined) return success(value)
  const found = lineAndColumn(text, reader.at)
  const { line, column } = place(found.line, found.column)
  return failure(`Line ${line}, column ${column}: ${reader.wrong}.`, { line, column })
}

function lineAndColumn(text: string, at: number): { line: number; column: number } {
  let line = 1
  let start = 0
  for (let end = text.indexOf('\n'); end >= 0 && end < at; end = text.indexOf('\n', start)) {
    line += 1
    start = end + 1
  }
  return { line, column: at - start + 1 }
}

const BLANK = /[ \t\n\r]*/y
const WORD = /[a-zA-Z]{1,8}/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
const WORDS = new Map<string, JsonValue>([
  ['true', true],
  ['false', false],
  ['null', null],
])

/** Recursion is bounded by `depth`. After the first error `wrong` is set, and `at` is its place. */
class JsonReader {
  at = 0
  wrong: string | undefined
  private open = 0
  private readonly text: string
  private readonly depth: number

  constructor(text: string, depth: number) {
    this.text = text
    this.depth = depth
  }

  document(): JsonValue {
    const value = this.value()
    this.match(BLANK)
    if (this.at < this.text.length) this.fail(`the JSON should end before ${this.here()}`)
    return value
  }

  /** Reading goes on after an error only as far as it takes to return. */
  private fail(wrong: string, at = this.at): null {
    if (this.wrong !== undefined) return null
    this.wrong = wrong
    this.at = at
    return null
  }

  private here(): string {
    const code = this.text.codePointAt(this.at)
    return code === undefined ? 'the end of the text' : quoted(String.fromCodePoint(code))
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at
    const found = this.wrong === undefined ? pattern.exec(this.text) : null
    if (found !== null) this.at += found[0].length
    return found
  }

  private take(character: string): boolean {
    this.match(BLANK)
    if (this.wrong !== undefined || this.text[this.at] !== character) return false
    this.at += 1
    return true
  }

  private value(): JsonValue {
    this.match(BLANK)
    const first = this.text[this.at] ?? ''
    if (first === '{') return this.nested(() => this.object())
    if (first === '[') return this.nested(() => this.array())
    if (first === '"') return this.string()
    return /[-0-9]/.test(first) ? this.number() : this.word()
  }

  private nested(read: () => JsonValue): JsonValue {
    if (this.open >= this.depth)
      return this.fail(`the JSON is nested deeper than ${this.depth} levels; no tool prints that`)
    this.at += 1
    this.open += 1
    const value = read()
    this.open -= 1
    return value
  }

  private array(): JsonValue {
    const items: JsonValue[] = []
    if (this.take(']')) return items
    do items.push(this.value())
    while (this.take(','))
    return this.take(']') ? items : this.fail(`expected "," or "]" instead of ${this.here()}`)
  }

  private object(): JsonValue {
    const object = Object.create(null) as JsonObject
    if (this.take('}')) return object
    do this.member(object)
    while (this.take(','))
    return this.take('}') ? object : this.fail(`expected "," or "}" instead of ${this.here()}`)
  }

  private member(object: JsonObject): void {
    this.match(BLANK)
    if (this.text[this.at] !== '"') {
      this.fail(`expected a key in quotes instead of ${this.here()}`)
      return
    }
    const key = this.string()
    if (this.take(':')) object[key] = this.value()
    else this.fail(`expected ":" after the key instead of ${this.here()}`)
  }

  private word(): JsonValue {
    const start = this.at
    const word = this.match(WORD)?.[0] ?? ''
    const value = WORDS.get(word)
    if (value !== undefined) return value
    const found = word === '' ? this.here() : quoted(word)
    return this.fail(`expected a JSON value instead of ${found}`, start)
  }

  private number(): JsonValue {
    const start = this.at
    const found = this.match(NUMBER)
    if (found === null) return this.fail('a digit must follow the minus sign')
    const [digits, fraction, exponent] = found
    const isWhole = fraction === undefined && exponent === undefined
    if (isWhole && digits.length > MAX_DIGITS)
      return this.fail(`the number has more than ${MAX_DIGITS} digits`, start)
    const value = Number(digits)
    if (!Number.isFinite(value))
      return this.fail(`the number ${quoted(digits)} is too large`, start)
    return isWhole && !Number.isSafeInteger(value) ? BigInt(digits) : value
  }

  private string(): string {
    const start = this.at
    const end = closingQuote(this.text, start)
    const literal = this.text.slice(start, end + 1)
    const text = end < 0 ? undefined : decoded(literal)
    if (text === undefined) {
      const raw = literal.search(RAW_CONTROL)
      if (end < 0) this.fail('the text in quotes has no end', start)
      else if (raw >= 0) this.fail('there is a control character in the quotes', start + raw)
      else this.fail('there is a bad "\\" escape in the quotes', start)
      return ''
    }
    this.at = end + 1
    return text
  }
}

/** Index of the quote that ends the string that begins at `start`; -1 if there is none. */
function closingQuote(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at < text.length ? at : -1
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON forbids in a string.
const RAW_CONTROL = /[\u0000-\u001f]/

/** The text of a string literal; undefined if JSON does not allow the literal. */
function decoded(literal: string): string | undefined {
  if (!literal.includes('\\') && firstControl(literal) < 0) return literal.slice(1, -1)
  try {
    return JSON.parse(literal) as string
  } catch {
    return undefined
  }
}
