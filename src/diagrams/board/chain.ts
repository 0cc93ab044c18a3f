import type { Target } from '../../machine'
import { type Link, targetKey } from '../shared/cards'

/**
 * What hangs on a mark: everything on a way through it, from a process or device to the physical
 * range. Keys of the marks, the one itself included.
 */
export function chainOf(target: Target, links: readonly Link[]): ReadonlySet<string> {
  const start = targetKey(target)
  const pairs = links.map(({ from, to }) => [targetKey(from), targetKey(to)] as const)
  const down = reach(start, pairs)
  const up = reach(
    start,
    pairs.map(([from, to]) => [to, from] as const),
  )
  return new Set([...down, ...up])
}

function reach(start: string, pairs: readonly (readonly [string, string])[]): Set<string> {
  const found = new Set([start])
  const open = [start]
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const [from, to] of pairs)
      if (from === next && !found.has(to)) {
        found.add(to)
        open.push(to)
      }
  return found
}
