import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bits,
  choice,
  dump,
  flags,
  flagsSet,
  flagsValue,
  hashFromScratch,
  int,
  layOut,
  pack,
  ref,
  restore,
  struct,
  text,
  wide,
} from '.'

const PTE = flags({ present: 0, rw: 1, devmap: 57, nx: 63 })
const Row = struct('row', {
  count: int(-1),
  address: wide(),
  flags: bits(PTE),
  state: choice(['live', 'dead']),
  next: ref('row'),
  name: text(),
})
const fresh = () => layOut({ rows: [Row, 4] }, {})

describe('a table of C-like structs', () => {
  it('holds every kind of field at its extremes', () => {
    const { tables } = fresh()
    const row = tables.rows.make()
    for (const count of [-(2 ** 31), -1, 0, 2 ** 31 - 1]) {
      row.count = count
      expect(row.count).toBe(count)
    }
    for (const address of [0, 2 ** 32 - 1, 2 ** 32, 2 ** 52 - 1, Number.MAX_SAFE_INTEGER]) {
      row.address = address
      expect(row.address).toBe(address)
    }
    row.state = 'dead'
    row.name = 'namespace0.0'
    row.next = row.id
    expect([row.state, row.name, row.next]).toEqual(['dead', 'namespace0.0', 1])
  })

  it('gives the architectural value of flags beyond bit 31', () => {
    const value = PTE.present | PTE.devmap | PTE.nx
    expect(flagsSet(PTE, value)).toEqual(['present', 'devmap', 'nx'])
    expect(flagsValue(PTE, value)).toBe(0x8200000000000001n)
  })

  it('does not compile with a misspelt field or a wrong value', () => {
    const { tables } = fresh()
    const row = tables.rows.make()
    // @ts-expect-error: there is no such field
    expect(row.cuont).toBeUndefined()
    // @ts-expect-error: not one of the choices
    expect(() => tables.rows.make({ state: 'dying' })).toThrow('dying is not one of')
  })

  it('takes the lowest free row, with initial values', () => {
    const { tables } = fresh()
    const [a, b] = [tables.rows.make({ count: 5 }), tables.rows.make()]
    expect([a.id, b.id, b.count]).toEqual([1, 2, -1])
    tables.rows.free(1)
    expect(tables.rows.make().count).toBe(-1)
    expect(tables.rows.rows().map(({ id }) => id)).toEqual([1, 2])
  })

  it('refuses a row that is free, and a row too many', () => {
    const { tables } = fresh()
    expect(() => tables.rows.at(1)).toThrow('row[1]: no such row')
    for (let i = 0; i < 4; i++) tables.rows.make()
    expect(tables.rows.isFull).toBe(true)
    expect(tables.rows.alloc()).toBeUndefined()
    expect(() => tables.rows.make()).toThrow('all 4 rows are in use')
  })

  it('names texts by what they say, whatever was named before', () => {
    const [a, b] = [fresh(), fresh()]
    a.tables.rows.make({ name: 'first' })
    a.tables.rows.at(1).name = 'second'
    b.tables.rows.make({ name: 'second' })
    expect(a.arena.hash).toBe(b.arena.hash)
  })

  it('undoes any writes to the word and to the hash, through any nesting of marks', () => {
    const write = fc.record({ row: fc.integer({ min: 1, max: 4 }), value: fc.integer() })
    fc.assert(
      fc.property(fc.array(fc.array(write, { maxLength: 10 }), { maxLength: 6 }), (batches) => {
        const { arena, tables } = fresh()
        for (let i = 0; i < 4; i++) tables.rows.make()
        const marks = batches.map((batch) => {
          const before = { mark: arena.mark(), words: pack(arena), hash: arena.hash }
          for (const { row, value } of batch) tables.rows.at(row).count = value
          expect(hashFromScratch(arena)).toEqual([arena.hashLo, arena.hashHi])
          return before
        })
        for (const { mark, words, hash } of marks.reverse()) {
          arena.undoTo(mark)
          expect(pack(arena)).toEqual(words)
          expect(arena.hash).toBe(hash)
        }
      }),
    )
  })

  it('goes on from a packed state as from the state itself', () => {
    const { arena, tables } = fresh()
    tables.rows.make({ count: 7, address: 2 ** 45 })
    const packed = pack(arena)
    const { hash } = arena
    tables.rows.at(1).count = 8
    restore(arena, packed)
    expect(arena.hash).toBe(hash)
    expect(tables.rows.at(1).count).toBe(7)
  })

  it('keeps a journal that is longer than it began', () => {
    const { arena, tables } = fresh()
    const row = tables.rows.make()
    const mark = arena.mark()
    for (let i = 0; i < 5000; i++) row.count = i
    expect(arena.touched()).toHaveLength(arena.journal.length / 2)
    arena.undoTo(mark)
    expect(row.count).toBe(-1)
  })

  it('prints as text', () => {
    const heap = fresh()
    heap.tables.rows.make({ count: 2, address: 0x60400, flags: PTE.present | PTE.nx, name: 'a' })
    expect(dump(heap)).toBe(
      'rows[1] count=2 address=0x60400 flags={present nx} state=live next=NULL name=a',
    )
  })
})
