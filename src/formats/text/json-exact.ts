import { failure, quoted, type Result, success } from './result'

/** A JSON value, with whole numbers beyond 2^53 as bigint: physical addresses and serial numbers. */
export type Json = null | boolean | number | bigint | string | Json[] | { [name: string]: Json }

const MAX_DEPTH = 64
const MAX_CHARACTERS = 16 * 1024 * 1024

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const STRING = /"(?:[^"\\]|\\.)*"/y
const BLANK = /[ \t\r\n]*/y

class BadJson extends Error {}

/** Reads JSON without losing digits. One sentence says where it ends to be JSON. */
export function readJson(text: string): Result<Json> {
  if (text.length > MAX_CHARACTERS) return failure('The JSON is larger than 16 MiB.')
  const reader = new Reader(text)
  try {
    const value = reader.value(0)
    reader.end()
    return success(value)
  } catch (error) {
    if (!(error instanceof BadJson)) throw error
    const before = text.slice(0, reader.at).split('\n')
    const line = before.length
    const column = (before.at(-1)?.length ?? 0) + 1
    return failure(`Line ${line}, column ${column}: ${error.message}`, { line, column })
  }
}

class Reader {
  at = 0

  constructor(private readonly text: string) {}

  value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new BadJson('the JSON is nested too deep.')
    this.skip(BLANK)
    const next = this.text[this.at]
    if (next === '{') return this.object(depth)
    if (next === '[') return this.array(depth)
    if (next === '"') return this.string()
    return this.word() ?? this.number()
  }

  end(): void {
    this.skip(BLANK)
    if (this.at < this.text.length) this.unexpected('the end')
  }

  private object(depth: number): Json {
    const object: { [name: string]: Json } = Object.create(null)
    this.list('{', '}', () => {
      this.skip(BLANK)
      const name = this.string()
      this.expect(':')
      object[name] = this.value(depth + 1)
    })
    return object
  }

  private array(depth: number): Json {
    const array: Json[] = []
    this.list('[', ']', () => array.push(this.value(depth + 1)))
    return array
  }

  private list(open: string, close: string, element: () => void): void {
    this.expect(open)
    this.skip(BLANK)
    if (this.text[this.at] === close) {
      this.at += 1
      return
    }
    for (;;) {
      element()
      this.skip(BLANK)
      if (this.text[this.at] !== ',') break
      this.at += 1
    }
    this.expect(close)
  }

  private string(): string {
    const found = this.skip(STRING)
    if (found === '') this.unexpected('a string')
    try {
      return JSON.parse(found) as string
    } catch {
      return this.unexpected('a string without control characters')
    }
  }

  private word(): boolean | null | undefined {
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const)
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length
        return value
      }
    return undefined
  }

  private number(): number | bigint {
    const digits = this.skip(NUMBER)
    if (digits === '') return this.unexpected('a value')
    const value = Number(digits)
    const isWhole = /^-?\d+$/.test(digits)
    return isWhole && !Number.isSafeInteger(value) && digits.length < 25 ? BigInt(digits) : value
  }

  private expect(character: string): void {
    this.skip(BLANK)
    if (this.text[this.at] !== character) this.unexpected(`"${character}"`)
    this.at += 1
  }

  private skip(pattern: RegExp): string {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)?.[0] ?? ''
    this.at += found.length
    return found
  }

  private unexpected(wanted: string): never {
    const rest = this.text.slice(this.at, this.at + 20)
    throw new BadJson(`expected ${wanted}, found ${rest === '' ? 'the end' : quoted(rest)}.`)
  }
}
