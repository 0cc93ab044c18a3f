/**
 * A value as JSON.stringify can print it: a bigint, which is an address, becomes "0x…". The
 * recursion is bounded by the depth of what was read.
 */
export function jsonReady(value: unknown): unknown {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`
  if (Array.isArray(value)) return value.map(jsonReady)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => [key, jsonReady(inner)])
  return Object.fromEntries(entries)
}
