import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  affine,
  bits,
  changesSince,
  flags,
  hashFromScratch,
  int,
  layOut,
  NONE,
  pack,
  struct,
} from '.'

const MARKS = flags({ seen: 0, dirty: 3, far: 57 })
const Row = struct('row', { value: int(0), to: affine(), marks: bits(MARKS) })
const KEYS = 48

interface Plain {
  readonly value: number
  readonly to: number
  readonly marks: number
}

type Edit =
  | { readonly kind: 'fill'; readonly start: number; readonly length: number; readonly row: Plain }
  | { readonly kind: 'clear'; readonly start: number; readonly length: number }
  | { readonly kind: 'edit'; readonly start: number; readonly length: number; readonly add: number }
  | {
      readonly kind: 'cell'
      readonly key: number
      readonly field: keyof Plain
      readonly to: number
    }

const key = fc.integer({ min: 0, max: KEYS - 1 })
const length = fc.integer({ min: 1, max: 12 })
const row = fc.record({
  value: fc.integer({ min: 0, max: 2 }),
  to: fc.oneof(fc.constant(NONE), fc.integer({ min: 100, max: 104 })),
  marks: fc.constantFrom(0, MARKS.seen, MARKS.seen | MARKS.far),
})
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('fill' as const), start: key, length, row }),
  fc.record({ kind: fc.constant('clear' as const), start: key, length }),
  fc.record({
    kind: fc.constant('edit' as const),
    start: key,
    length,
    add: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({
    kind: fc.constant('cell' as const),
    key,
    field: fc.constantFrom('value' as const, 'to' as const, 'marks' as const),
    to: fc.constantFrom(0, 1, 8),
  }),
)

const fresh = () => layOut({}, { other: Row, rows: Row })
type Heap = ReturnType<typeof fresh>

/** The table done the slow way: a row for every key. */
class PerKey {
  readonly rows = new Map<number, Plain>()

  apply(step: Edit): void {
    if (step.kind === 'cell') {
      const old = this.rows.get(step.key)
      if (old !== undefined) this.rows.set(step.key, { ...old, [step.field]: step.to })
      return
    }
    for (let at = step.start; at < step.start + step.length; at++) {
      const old = this.rows.get(at)
      if (step.kind === 'clear') this.rows.delete(at)
      else if (step.kind === 'fill') {
        const to = step.row.to === NONE ? NONE : step.row.to + (at - step.start)
        this.rows.set(at, { ...step.row, to })
      } else if (old !== undefined) this.rows.set(at, { ...old, value: old.value + step.add })
    }
  }
}

function apply({ ranges: { rows } }: Heap, step: Edit, space = 0): void {
  const table = rows.in(space)
  switch (step.kind) {
    case 'fill':
      table.fill(step.start, step.start + step.length, step.row)
      break
    case 'clear':
      table.clear(step.start, step.start + step.length)
      break
    case 'edit':
      table.edit(step.start, step.start + step.length, ({ value }) => ({ value: value + step.add }))
      break
    case 'cell':
      if (table.has(step.key)) table.at(step.key)[step.field] = step.to
      break
    default:
      step satisfies never
  }
}

const contents = ({ ranges: { rows } }: Heap): [number, Plain][] =>
  rows.runs().flatMap((run) =>
    Array.from({ length: run.length }, (_, i): [number, Plain] => {
      const { value, to, marks } = rows.at(run.start + i)
      return [run.start + i, { value, to, marks }]
    }),
  )

describe('a range table', () => {
  it('holds what a row for every key would hold, in runs that cannot be joined', () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 30 }), (steps) => {
        const heap = fresh()
        const naive = new PerKey()
        for (const step of steps) {
          apply(heap, step)
          naive.apply(step)
        }
        expect(contents(heap)).toEqual([...naive.rows].sort(([a], [b]) => a - b))
        const runs = heap.ranges.rows.runs()
        runs.forEach((run, i) => {
          const next = runs[i + 1]
          if (next === undefined || next.start !== run.end) return
          const continued = run.to === NONE ? NONE : run.to + run.length
          expect([next.value, next.to, next.marks]).not.toEqual([run.value, continued, run.marks])
        })
      }),
      { numRuns: 300 },
    )
  })

  it('has the same hash and the same words for the same contents, whatever the way to them', () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 25 }), (steps) => {
        const byHistory = fresh()
        const byKey = fresh()
        const naive = new PerKey()
        for (const step of steps) {
          apply(byHistory, step)
          naive.apply(step)
        }
        for (const [at, plain] of [...naive.rows].reverse())
          byKey.ranges.rows.fill(at, at + 1, plain)
        expect(byKey.arena.hash).toBe(byHistory.arena.hash)
        expect(pack(byKey.arena)).toEqual(pack(byHistory.arena))
      }),
      { numRuns: 300 },
    )
  })

  it('keeps the incremental hash equal to the hash from scratch, and undoes to the word', () => {
    fc.assert(
      fc.property(
        fc.array(edit, { maxLength: 20 }),
        fc.array(edit, { maxLength: 20 }),
        (before, after) => {
          const heap = fresh()
          for (const step of before) apply(heap, step)
          const mark = heap.arena.mark()
          const words = pack(heap.arena)
          for (const step of after) apply(heap, step)
          expect(hashFromScratch(heap.arena)).toEqual([heap.arena.hashLo, heap.arena.hashHi])
          heap.arena.undoTo(mark)
          expect(pack(heap.arena)).toEqual(words)
          expect(hashFromScratch(heap.arena)).toEqual([heap.arena.hashLo, heap.arena.hashHi])
        },
      ),
      { numRuns: 300 },
    )
  })

  it('reports exactly the keys and fields that differ since a mark', () => {
    fc.assert(
      fc.property(
        fc.array(edit, { maxLength: 15 }),
        fc.array(edit, { maxLength: 6 }),
        (before, after) => {
          const heap = fresh()
          const naive = new PerKey()
          for (const step of before) {
            apply(heap, step)
            naive.apply(step)
          }
          const old = new Map(naive.rows)
          const mark = heap.arena.mark()
          for (const step of after) {
            apply(heap, step)
            naive.apply(step)
          }
          const told = new Set(
            changesSince(heap, mark).flatMap(({ where, field }) =>
              where.kind === 'keys'
                ? Array.from(
                    { length: where.end - where.start },
                    (_, i) => `${where.start + i}.${field}`,
                  )
                : [],
            ),
          )
          const wanted = new Set<string>()
          for (let at = 0; at < KEYS + 12; at++)
            for (const field of ['value', 'to', 'marks'] as const)
              if (old.get(at)?.[field] !== naive.rows.get(at)?.[field]) wanted.add(`${at}.${field}`)
          expect(told).toEqual(wanted)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('keeps a mapping of 2^32 pages in one run, and splits it where one page is touched', () => {
    const { ranges } = fresh()
    const pages = 2 ** 32
    ranges.rows.fill(2 ** 40, 2 ** 40 + pages, { to: 2 ** 39 })
    expect(ranges.rows.runs()).toHaveLength(1)
    expect(ranges.rows.at(2 ** 40 + 12345).to).toBe(2 ** 39 + 12345)
    ranges.rows.at(2 ** 40 + 12345).value = 7
    expect(ranges.rows.runs().map((run) => run.length)).toEqual([12345, 1, pages - 12346])
    ranges.rows.at(2 ** 40 + 12345).value = 0
    expect(ranges.rows.runs()).toHaveLength(1)
  })

  it('joins neighbours whose targets go on, and keeps apart those whose targets do not', () => {
    const { ranges } = fresh()
    ranges.rows.fill(0, 4, { to: 100 })
    ranges.rows.fill(4, 8, { to: 104 })
    expect(ranges.rows.runs()).toHaveLength(1)
    ranges.rows.fill(8, 12, { to: 200 })
    expect(ranges.rows.runs()).toHaveLength(2)
  })

  it('keeps its spaces apart', () => {
    const { ranges } = fresh()
    ranges.rows.in(1).fill(5, 6, { value: 1 })
    ranges.rows.in(2).fill(5, 6, { value: 2 })
    expect(ranges.rows.in(1).at(5).value).toBe(1)
    expect(ranges.rows.in(2).at(5).value).toBe(2)
    expect(ranges.rows.in(3).has(5)).toBe(false)
    expect(ranges.rows.in(1).covers(5, 7)).toBe(false)
  })

  it('finds the run that a list of all runs would have first', () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 30 }), key, length, (steps, start, pages) => {
        const heap = fresh()
        for (const step of steps) apply(heap, step)
        const { rows } = heap.ranges
        const shape = (run: { start: number; end: number; to: number } | undefined) =>
          run && [run.start, run.end, run.to]
        const isOne = ({ value }: { value: number }) => value === 1
        const all = rows.runs(start, start + pages)
        expect(shape(rows.find(start, start + pages))).toEqual(shape(all[0]))
        expect(shape(rows.find(start, start + pages, isOne))).toEqual(shape(all.find(isOne)))
      }),
    )
  })

  it('throws where a row is read that is not there', () => {
    expect(() => fresh().ranges.rows.at(3)).toThrow('row 0x3: no such row')
  })
})
