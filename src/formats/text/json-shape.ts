import type { Json } from './json-exact'
import { isControl } from './result'

export type JsonObject = { [name: string]: Json }

export const isJsonObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The elements of a list that ndctl's tools print in several shapes: under its name, under its name
 * with the parent's (`endpoints:port1`), or unwrapped where there is one element (`-u`).
 */
export function elements(object: JsonObject, name: string): JsonObject[] {
  return Object.entries(object)
    .filter(([key]) => key === name || key.startsWith(`${name}:`))
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter(isJsonObject)
}

/** A name for people: text without control characters, and not without end. */
export function textAt(object: JsonObject, name: string): string {
  const value = object[name]
  return typeof value === 'string'
    ? [...value]
        .filter((c) => !isControl(c))
        .join('')
        .slice(0, 200)
    : ''
}

const UNITS: Readonly<Record<string, number>> = { KiB: 10, MiB: 20, GiB: 30, TiB: 40, PiB: 50 }

/** Bytes, or an address: a number, `0x…`, or a size for people such as `256.00 MiB (268.44 MB)`. */
export function bytesAt(object: JsonObject, name: string): bigint | undefined {
  const value = object[name]
  if (typeof value === 'bigint') return value
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined
  if (typeof value !== 'string') return undefined
  if (/^(0x[0-9a-fA-F]{1,16}|\d{1,20})$/.test(value)) return BigInt(value)
  const [, amount, unit] = /^(\d{1,12}(?:\.\d{1,6})?) ([KMGTP]iB)\b/.exec(value) ?? []
  return amount === undefined || unit === undefined
    ? undefined
    : BigInt(Math.round(Number(amount) * 2 ** (UNITS[unit] ?? 0)))
}
