import type { Kernel } from '../kernel'
import { refAdd } from './folio'

/** Kinds of momentary holders (struct holders), each of which counts one reference, but `pin`. */
export type HolderKind = 'alloc' | 'tmp' | 'try' | 'pin' | 'get' | 'zap' | 'iso' | 'ksmd' | 'poison'

/**
 * Notes that somebody holds a page, or, with a negative count, no longer does. Moves no counter. A page
 * that went with its device takes the notes of who held it along.
 */
export function hold(k: Kernel, pfn: number, kind: HolderKind, count = 1): void {
  if (!k.pages.has(pfn)) return
  if (!k.holders.has(pfn)) k.holders.fill(pfn, pfn + 1, {})
  k.holders.at(pfn)[kind] += count
  forgetIdle(k, pfn)
}

/** `hold` for consecutive pages: the cost is that of their runs. */
export function holdRun(
  k: Kernel,
  start: number,
  end: number,
  kind: HolderKind,
  count: number,
): void {
  for (const run of k.pages.runs(start, end)) holdPresent(k, run.start, run.end, kind, count)
}

function holdPresent(k: Kernel, start: number, end: number, kind: HolderKind, count: number): void {
  let next = start
  for (const run of k.holders.runs(start, end)) {
    k.holders.fill(next, run.start, {})
    next = run.end
  }
  k.holders.fill(next, end, {})
  k.holders.edit(start, end, (row) => ({ [kind]: row[kind] + count }))
  for (const run of k.holders.runs(start, end)) if (isIdle(run)) k.holders.clear(run.start, run.end)
}

/** Takes one reference of a folio, and notes who holds it. */
export function getAs(k: Kernel, pfn: number, kind: HolderKind): void {
  refAdd(k, pfn, 1)
  hold(k, pfn, kind)
}

/** A reference changes hands: what was held as one kind is held as another. */
export function handOver(k: Kernel, pfn: number, from: HolderKind, to?: HolderKind): void {
  hold(k, pfn, from, -1)
  if (to !== undefined) hold(k, pfn, to)
}

/** How many hold a page as this kind. */
export const held = (k: Kernel, pfn: number, kind: HolderKind | 'frozen'): number =>
  k.holders.has(pfn) ? k.holders.at(pfn)[kind] : 0

type Held = Readonly<Record<HolderKind | 'frozen' | 'locker', number>>

function isIdle(row: Held): boolean {
  const { alloc, tmp, pin, get, zap, iso, ksmd, poison, frozen, locker, try: speculative } = row
  const counts = [alloc, tmp, speculative, pin, get, zap, iso, ksmd, poison, frozen, locker]
  return counts.every((count) => count === 0)
}

/** A page that nobody holds has no row, so that equal states are equal words. */
export function forgetIdle(k: Kernel, pfn: number): void {
  if (isIdle(k.holders.at(pfn))) k.holders.clear(pfn, pfn + 1)
}
