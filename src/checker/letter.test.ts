import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pack } from '../arena'
import { apply, change, rowsAndPages } from '../testing/rows-and-pages'
import { Hearing, Telling } from './dialect'
import { headWords, LetterPad, rowsOf } from './letter'
import { StateTable } from './state-table'

const SET_WORDS = 1

describe('a letter from one table to another', () => {
  it('has each state in it, whatever came to either table before', () => {
    const anyWalk = fc.array(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 60 }), {
      maxLength: 4,
    })
    fc.assert(
      fc.property(anyWalk, fc.array(change, { maxLength: 20 }), (letters, own) => {
        const [heap, otherHeap] = [rowsAndPages(), rowsAndPages()]
        const [table, other] = [new StateTable(heap), new StateTable(otherHeap)]
        // The other table has numbered contents of its own, in an order of its own.
        for (const each of own) {
          other.load(0)
          apply(otherHeap, each)
          other.follow(0, other.difference())
        }
        const [telling, hearing] = [new Telling(table), new Hearing(other)]
        const pad = new LetterPad(table, SET_WORDS)
        for (const walk of letters) {
          const rows = walk.map((changes) => {
            table.load(0)
            for (const each of changes) apply(heap, each)
            table.draft(0, table.difference())
            return { row: pad.write([7]), text: pack(heap.arena).join(' ') }
          })
          const letter = pad.seal()
          hearing.hear(telling.news())
          expect(rowsOf(letter, SET_WORDS)).toBe(Math.max(0, ...rows.map(({ row }) => row + 1)))
          for (const { row, text } of rows) {
            other.load(hearing.find(letter, row, headWords(SET_WORDS)))
            expect(pack(otherHeap.arena).join(' ')).toBe(text)
            expect(letter.rows[row * (headWords(SET_WORDS) + letter.columns) + 2]).toBe(7)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('has a state once that is written twice in a row', () => {
    const heap = rowsAndPages()
    const table = new StateTable(heap)
    const pad = new LetterPad(table, SET_WORDS)
    const rows = [1, 1, 2, 1].map((to) => {
      table.load(0)
      apply(heap, { kind: 'row', row: 1, to })
      table.draft(0, table.difference())
      return pad.write([0])
    })
    expect(rows).toEqual([0, 0, 1, 0])
    expect(rowsOf(pad.seal(), SET_WORDS)).toBe(2)
    expect(rowsOf(pad.seal(), SET_WORDS)).toBe(0)
  })
})
