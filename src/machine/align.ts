import { isDid, type Side } from './two-sides'

/** What both sides did where they did the same, or at the same step of the same call; or what one did alone. */
export interface Row {
  readonly a: Side | undefined
  readonly b: Side | undefined
  readonly isSame: boolean
}

/** What it is worth to have two entries in one row: the same, or the same step with other effects. */
const SAME = 3
const ALIKE = 2

/**
 * Puts what two sides did into rows, so that as much as possible of what is the same stands side by
 * side, and after that the same steps. The order of each side is kept.
 */
export function aligned(a: readonly Side[], b: readonly Side[]): Row[] {
  const contents = [a.map(contentOf), b.map(contentOf)] as const
  const steps = [a.map(stepOf), b.map(stepOf)] as const
  const worth = (i: number, j: number): number => {
    if (contents[0][i] === contents[1][j]) return SAME
    return steps[0][i] !== undefined && steps[0][i] === steps[1][j] ? ALIKE : 0
  }
  return pairs(a.length, b.length, SAME, worth).map(([i, j]) => ({
    a: i === undefined ? undefined : a[i],
    b: j === undefined ? undefined : b[j],
    isSame: i !== undefined && j !== undefined && worth(i, j) === SAME,
  }))
}

type Pair = readonly [a: number | undefined, b: number | undefined]

/**
 * Pairs the places of two lists, in order, so that the pairs are worth as much as possible in all;
 * `most` is what one can be worth, and 0 is no pair. What is at the front or the back of both and worth
 * most is paired at once.
 */
export function pairs(
  lengthA: number,
  lengthB: number,
  most: number,
  worth: (a: number, b: number) => number,
): Pair[] {
  const shorter = Math.min(lengthA, lengthB)
  let head = 0
  while (head < shorter && worth(head, head) === most) head++
  let tail = 0
  while (tail < shorter - head && worth(lengthA - 1 - tail, lengthB - 1 - tail) === most) tail++
  const inner = bestPairs(lengthA - tail - head, lengthB - tail - head, (a, b) =>
    worth(head + a, head + b),
  )
  const moved = (at: number | undefined) => (at === undefined ? undefined : head + at)
  return [
    ...Array.from({ length: head }, (_, i): Pair => [i, i]),
    ...inner.map(([a, b]): Pair => [moved(a), moved(b)]),
    ...Array.from({ length: tail }, (_, i): Pair => [lengthA - tail + i, lengthB - tail + i]),
  ]
}

/** The best pairs, by what the best pairs of all ends are worth. */
function bestPairs(
  lengthA: number,
  lengthB: number,
  worth: (a: number, b: number) => number,
): Pair[] {
  const width = lengthB + 1
  const best = new Uint16Array((lengthA + 1) * width)
  const at = (a: number, b: number): number => best[a * width + b] as number
  for (let a = lengthA - 1; a >= 0; a--)
    for (let b = lengthB - 1; b >= 0; b--) {
      const alone = Math.max(at(a + 1, b), at(a, b + 1))
      const value = worth(a, b)
      best[a * width + b] = value === 0 ? alone : Math.max(alone, at(a + 1, b + 1) + value)
    }
  const found: Pair[] = []
  for (let a = 0, b = 0; a < lengthA || b < lengthB; ) {
    const value = a < lengthA && b < lengthB ? worth(a, b) : 0
    if (value > 0 && at(a, b) === at(a + 1, b + 1) + value) found.push([a++, b++])
    else if (b === lengthB || (a < lengthA && at(a + 1, b) >= at(a, b + 1)))
      found.push([a++, undefined])
    else found.push([undefined, b++])
  }
  return found
}

/** What makes a difference: who did what, what it returned, what it changed, and what broke. */
function contentOf(side: Side): string {
  if (!isDid(side)) return JSON.stringify(side)
  const { moment, changes, broken } = side
  return JSON.stringify([stepOf(side), moment.returned ?? '', changes, broken])
}

/** Which step of which call it is; undefined for what was passed over. */
function stepOf(side: Side): string | undefined {
  if (!isDid(side)) return undefined
  const { who, operation, step } = side.moment
  return JSON.stringify([who, operation, step ?? ''])
}
