import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pack } from '../arena'
import { apply, change, rowsAndPages } from '../testing/rows-and-pages'
import { PartValues } from './part-values'
import { StateTable } from './state-table'

describe('the states of a search', () => {
  it('are the same state exactly where every word is the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.array(change, { maxLength: 4 })), { maxLength: 200 }),
        (walk) => {
          const heap = rowsAndPages()
          const table = new StateTable(heap)
          const known = new Map([[pack(heap.arena).join(' '), 0]])
          for (const [from, changes] of walk) {
            const start = from % table.size
            table.load(start)
            for (const each of changes) apply(heap, each)
            const text = pack(heap.arena).join(' ')
            const expected = known.get(text) ?? known.size
            expect(table.follow(start, table.difference())).toBe(expected)
            known.set(text, expected)
          }
          expect(table.size).toBe(known.size)
          for (const [text, number] of known) {
            table.load(number)
            expect(pack(heap.arena).join(' ')).toBe(text)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('are two states where their hashes are one', () => {
    const heap = rowsAndPages()
    const table = new StateTable(heap)
    for (let value = 1; value <= 3; value++) {
      table.load(0)
      heap.tables.rows.at(1).a = value
      // As if the hash had not seen the difference.
      heap.arena.hashLo = 5
      heap.arena.hashHi = 7
      expect(table.follow(0, table.difference())).toBe(value)
    }
    table.load(0)
    heap.tables.rows.at(1).a = 2
    heap.arena.hashLo = 5
    heap.arena.hashHi = 7
    expect(table.follow(0, table.difference())).toBe(2)
    expect(table.size).toBe(4)
  })

  it('go on where a part has more contents than a byte, or two, can number', () => {
    const heap = rowsAndPages()
    const table = new StateTable(heap)
    for (let value = 1; value <= 70_000; value++) {
      table.load(0)
      heap.tables.rows.at(1).a = value
      expect(table.follow(0, table.difference())).toBe(value)
    }
    for (const number of [0, 1, 255, 256, 65_535, 65_536, 70_000]) {
      table.load(number)
      expect(heap.tables.rows.at(1).a).toBe(number)
    }
  })
})

describe('the contents of a part', () => {
  it('have one number each, in the order in which they came', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 })),
        (contents) => {
          const values = new PartValues()
          const known: string[] = []
          for (const content of contents) {
            const words = Int32Array.from(content)
            if (!known.includes(words.join())) known.push(words.join())
            expect(values.intern(words, 0, words.length)).toBe(known.indexOf(words.join()))
          }
          expect(values.count).toBe(known.length)
        },
      ),
    )
  })
})
