import type { Moment } from '../machine'
import { CHECK_EVERY } from './permalink'

/** A byte for each eight moments, of what ran: the same schedule under another version may run else. */
export function checksOf(moments: readonly Moment[]): number[] {
  const checks: number[] = []
  let hash = 0x811c9dc5
  moments.forEach(({ who, operation, step }, i) => {
    for (const c of `${who} ${operation} ${step ?? ''}`)
      hash = Math.imul(hash ^ c.charCodeAt(0), 0x01000193)
    if ((i + 1) % CHECK_EVERY === 0) checks.push((hash ^ (hash >>> 8) ^ (hash >>> 16)) & 0xff)
  })
  return checks
}

/** A sentence about the first stretch of steps that plays differently from when the link was made. */
export function compareChecks(made: readonly number[], now: readonly number[]): string | undefined {
  const first = made.findIndex((check, i) => now[i] !== undefined && now[i] !== check)
  if (first < 0) return undefined
  const from = first * CHECK_EVERY + 1
  return `This link was made by another version of Pinhole: it plays differently from a step between ${from} and ${from + CHECK_EVERY - 1} on.`
}
