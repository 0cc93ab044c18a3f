import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairs } from '.'

/** The most that any pairing in order is worth, by trying all of them. */
function mostOf(a: readonly number[], b: readonly number[], worth: Worth): number {
  if (a.length === 0 || b.length === 0) return 0
  const [x = 0, ...restA] = a
  const [y = 0, ...restB] = b
  const value = worth(x, y)
  return Math.max(
    mostOf(restA, b, worth),
    mostOf(a, restB, worth),
    value === 0 ? 0 : value + mostOf(restA, restB, worth),
  )
}

type Worth = (a: number, b: number) => number
const worth: Worth = (x, y) => (x === y ? 3 : x % 3 === y % 3 ? 2 : 0)
const list = fc.array(fc.nat(8), { maxLength: 6 })

describe('two lists side by side', () => {
  it('keep their order and lose nothing', () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        const found = pairs(a.length, b.length, 3, (i, j) => worth(a[i] ?? 0, b[j] ?? 0))
        expect(found.flatMap(([i]) => i ?? [])).toEqual(a.map((_, i) => i))
        expect(found.flatMap(([, j]) => j ?? [])).toEqual(b.map((_, j) => j))
      }),
    )
  })

  it('pair as much of what is the same as any pairing could', () => {
    const equal: Worth = (x, y) => (x === y ? 1 : 0)
    fc.assert(
      fc.property(list, list, (a, b) => {
        const found = pairs(a.length, b.length, 1, (i, j) => equal(a[i] ?? 0, b[j] ?? 0))
        const both = found.filter(([i, j]) => i !== undefined && j !== undefined)
        expect(both.every(([i, j]) => a[i as number] === b[j as number])).toBe(true)
        expect(both.length).toBe(mostOf(a, b, equal))
      }),
    )
  })

  it('are worth as much as any pairing, where what is at their ends is not the same', () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        const left = [100, ...a, 101]
        const right = [103, ...b, 105]
        const of = (i: number, j: number) => worth(left[i] as number, right[j] as number)
        const found = pairs(left.length, right.length, 3, of)
        const value = found.reduce(
          (sum, [i, j]) => sum + (i === undefined || j === undefined ? 0 : of(i, j)),
          0,
        )
        expect(value).toBe(mostOf(left, right, worth))
      }),
    )
  })
})
