import type { Kernel } from '../../linux/kernel'

/** Pages [start, end). */
export interface Stretch {
  readonly start: number
  readonly end: number
}

/** Stretches by address, those that touch joined. */
export function merged(stretches: readonly Stretch[]): Stretch[] {
  const sorted = [...stretches].sort((a, b) => a.start - b.start || b.end - a.end)
  const result: Stretch[] = []
  for (const next of sorted) {
    const last = result.at(-1)
    if (last === undefined || next.start > last.end) result.push(next)
    else if (next.end > last.end) result[result.length - 1] = { start: last.start, end: next.end }
  }
  return result
}

/** Cuts where the reference count changes; where there is no struct page is a piece of its own. */
export function cutByPages(k: Kernel, { start, end }: Stretch): Stretch[] {
  const pieces: Stretch[] = []
  let next = start
  for (const run of k.pages.runs(start, end)) {
    if (run.start > next) pieces.push({ start: next, end: run.start })
    pieces.push({ start: run.start, end: run.end })
    next = run.end
  }
  if (next < end) pieces.push({ start: next, end })
  return pieces
}
