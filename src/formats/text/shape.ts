import type { JsonObject, JsonValue } from './json-exact'
import { failure, firstControl, quoted, type Result, success } from './result'

/** A value that is not what it must be; `must` completes the sentence 'PLACE must be …'. */
class Wrong {
  readonly must: string
  constructor(must: string) {
    this.must = must
  }
}

type Reader<T> = (value: JsonValue, shape: Shape, path: string) => T | Wrong
export type Spec = Readonly<Record<string, Reader<unknown>>>

/** The facts of a device that were printed. Keys are spelled as the tool spells them. */
export type Facts<S extends Spec> = { readonly [K in keyof S]?: Exclude<ReturnType<S[K]>, Wrong> }

/** An object of a document, with its place: `regions[0].namespaces[1]`. */
export interface Placed {
  readonly object: JsonObject
  readonly path: string
}

const ROUNDED =
  'Sizes were printed rounded, as the option -u does: run the tool without -u to get exact sizes.'

/** Reads the shapes in which the ndctl tools print (ndctl: util/json.c). Keeps the first error. */
export class Shape {
  private wrong: string | undefined
  private readonly warned = new Set<string>()

  fail(path: string, says: string): void {
    this.wrong ??= `${quoted(path === '' ? 'the document' : path)} ${says}`
  }

  warn(sentence: string): void {
    this.warned.add(sentence)
  }

  result<T>(value: T): Result<T> {
    if (this.wrong !== undefined) return failure(`${this.wrong}.`)
    return success(value, [...this.warned])
  }

  /** The objects of an array, or the one object that option -u has unwrapped. */
  objects(value: JsonValue, path: string): Placed[] {
    const items = Array.isArray(value) ? value : [value]
    const placed: Placed[] = []
    items.forEach((item, i) => {
      const at = Array.isArray(value) ? `${path}[${i}]` : path
      if (isObject(item)) placed.push({ object: item, path: at })
      else this.fail(at, 'must be an object, as the tool prints for each device')
    })
    return placed
  }

  facts<S extends Spec>({ object, path }: Placed, spec: S): Facts<S> {
    const facts: Record<string, unknown> = {}
    for (const [key, read] of Object.entries(spec)) {
      const value = object[key]
      if (value === undefined || value === null) continue
      const place = placeOf(path, key)
      const fact = read(value, this, place)
      if (fact instanceof Wrong) this.fail(place, `must be ${fact.must}`)
      else facts[key] = fact
    }
    return facts as Facts<S>
  }
}

/** The place of a key in the object at a place; the whole document is at ''. */
export const placeOf = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A name: one line of printable text. */
export const text: Reader<string> = (value) =>
  typeof value === 'string' && firstControl(value) < 0
    ? value
    : new Wrong('text without control characters')

export const yesNo: Reader<boolean> = (value) =>
  typeof value === 'boolean' ? value : new Wrong('true or false')

/** A whole number, also as text in decimal or "0x…". */
export const int: Reader<number> = (value) => {
  const exact = wholeNumber(value)
  const fits = exact !== undefined && exact >= -SAFE && exact <= SAFE
  return fits ? Number(exact) : new Wrong('a whole number below 2^53')
}

/** An address or a serial number: 64 bits, exact. */
export const address: Reader<bigint> = (value) => {
  const exact = wholeNumber(value)
  const fits = exact !== undefined && exact >= 0n && exact < 1n << 64n
  return fits ? exact : new Wrong('a number of at most 64 bits')
}

/** Bytes. Option -u prints "256.00 MiB (268.44 MB)" (ndctl: util/json.c, display_size). */
export const size: Reader<number> = (value, shape) => {
  const exact = wholeNumber(value) ?? humanSize(value)
  if (exact === undefined || exact < 0n || exact > SAFE)
    return new Wrong('a size in bytes, or like "256.00 MiB (268.44 MB)"')
  if (wholeNumber(value) === undefined) shape.warn(ROUNDED)
  return Number(exact)
}

/** A list of small objects, such as the targets of a decoder. */
export const listOf =
  <S extends Spec>(spec: S): Reader<Facts<S>[]> =>
  (value, shape, path) =>
    shape.objects(value, path).map((placed) => shape.facts(placed, spec))

const SAFE = BigInt(Number.MAX_SAFE_INTEGER)

function wholeNumber(value: JsonValue): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  const isNumber = typeof value === 'string' && /^(0x[0-9a-fA-F]{1,16}|-?[0-9]{1,20})$/.test(value)
  return isNumber ? BigInt(value) : undefined
}

const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E']
const HUMAN = /^([0-9]{1,12})(?:\.([0-9]{2}))? ?([KMGTPE]?)(i?)B(?: \([^()]{1,40}\))?$/i

function humanSize(value: JsonValue): bigint | undefined {
  const found = typeof value === 'string' ? HUMAN.exec(value) : null
  if (found === null) return undefined
  const [, whole = '0', cents = '00', prefix = '', binary] = found
  const unit = (binary === '' ? 1000n : 1024n) ** BigInt(UNITS.indexOf(prefix.toUpperCase()))
  return (BigInt(whole + cents) * unit) / 100n
}
