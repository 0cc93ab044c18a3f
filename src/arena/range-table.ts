import type { Arena } from './arena'
import { codecOf } from './codec'
import { type Run, RunStore } from './run-store'
import type { Fields, Place, Struct, Values } from './struct'

/** Keys of one space: page frames of 52-bit physical addresses, and some. 4,096 spaces keep keys exact. */
export const SPACE_KEYS = 2 ** 41

/** The row at one key. Reading finds its run; assigning splits the run there, and merges equals again. */
export type Cell<D extends Struct> = Fields<D['fields']> & { readonly key: number }

/** A run, clipped to what was asked for: consecutive keys [start, end) with one row. */
export type RunView<D extends Struct> = Readonly<Fields<D['fields']>> & {
  readonly start: number
  readonly end: number
  readonly length: number
}

/**
 * Rows of one struct by key, where almost all neighbours are equal: struct pages by pfn, page table
 * entries by virtual page. Stored as maximal runs, so that equal contents are equal words, and cost
 * follows the number of runs and never the number of keys.
 *
 * A table may hold several spaces (one address space each): `in(space)` sees the keys of one of them.
 */
export class RangeTable<D extends Struct> {
  readonly store: RunStore
  /** The store's place among those that reads are noted by. */
  private readonly place: number
  private readonly views: Views
  private readonly spaces: RangeTable<D>[] = []
  private readonly encodeRow: (values: Values<D>, key: number) => Int32Array

  constructor(
    private readonly arena: Arena,
    readonly def: D,
    private readonly origin: number = 0,
    shared?: RangeTable<D>,
  ) {
    this.store = shared?.store ?? newStore(arena, def)
    this.place = arena.words.length + this.store.number
    this.encodeRow = shared?.encodeRow ?? rowEncoder(arena, def)
    this.views = shared?.views ?? rangeViews(arena, this.store, def.places)
  }

  /** The keys of one space, numbered from 0 as the whole table is. */
  in(space: number): RangeTable<D> {
    let view = this.spaces[space]
    if (view === undefined) {
      view = new RangeTable(this.arena, this.def, this.origin + space * SPACE_KEYS, this)
      this.spaces[space] = view
    }
    return view
  }

  has(key: number): boolean {
    return this.indexOf(key + this.origin) >= 0
  }

  /** The row at a key; a key without one is a programming error, so ask `has` first. */
  at(key: number): Cell<D> {
    const whole = key + this.origin
    if (this.indexOf(whole) < 0)
      throw new Error(`${this.def.name} 0x${key.toString(16)}: no such row`)
    return new this.views.Cell(whole, key) as unknown as Cell<D>
  }

  /** The runs that touch [start, end), clipped to it, in the order of their keys. */
  runs(start = 0, end = SPACE_KEYS): RunView<D>[] {
    const { store, origin } = this
    const last = end + origin
    const found: RunView<D>[] = []
    this.read()
    for (let i = store.search(start + origin); i < store.count; i++) {
      const runStart = store.starts[i] as number
      if (runStart >= last) break
      const from = Math.max(runStart, start + origin)
      const to = Math.min(store.ends[i] as number, last)
      found.push(this.viewRun(from, to, store.run(i).words))
    }
    return found
  }

  /** The first run that touches [start, end) and passes the test, clipped; the rest is not looked at. */
  find(
    start: number,
    end: number,
    test: (run: RunView<D>) => boolean = () => true,
  ): RunView<D> | undefined {
    const { store, origin } = this
    const last = end + origin
    this.read()
    for (let i = store.search(start + origin); i < store.count; i++) {
      const from = Math.max(store.starts[i] as number, start + origin)
      if (from >= last) break
      const to = Math.min(store.ends[i] as number, last)
      const run = this.viewRun(from, to, store.run(i).words)
      if (test(run)) return run
    }
    return undefined
  }

  /** True if every key of [start, end) has a row. */
  covers(start: number, end: number): boolean {
    let next = start
    for (const run of this.runs(start, end)) {
      if (run.start !== next) return false
      next = run.end
    }
    return next >= end
  }

  /** Gives every key of [start, end) the row `values`; affine values are those of `start`. */
  fill(start: number, end: number, values: Values<D>): void {
    const from = start + this.origin
    const run = { start: from, end: end + this.origin, words: this.encodeRow(values, from) }
    this.rewrite(from, run.end, () => [run])
  }

  /** Takes the rows of [start, end) away. */
  clear(start: number, end: number): void {
    this.rewrite(start + this.origin, end + this.origin, () => [])
  }

  /** Changes the rows that exist in [start, end), one call a run. */
  edit(start: number, end: number, change: (row: RunView<D>) => Values<D>): void {
    this.rewrite(start + this.origin, end + this.origin, (pieces) =>
      pieces.map((piece) => {
        const view = this.viewRun(piece.start, piece.end, piece.words)
        const values = { ...fieldsOf(this.def, view), ...change(view) }
        return { ...piece, words: this.encodeRow(values, piece.start) }
      }),
    )
  }

  private viewRun(start: number, end: number, words: Int32Array): RunView<D> {
    const { origin } = this
    const view = new this.views.Run(words, start, start - origin, end - origin)
    return view as unknown as RunView<D>
  }

  private read(): void {
    this.arena.reads[this.place] = 1
  }

  private indexOf(key: number): number {
    this.read()
    const index = this.store.search(key)
    const inside = index < this.store.count && (this.store.starts[index] as number) <= key
    return inside ? index : -1
  }

  /** Replaces what lies in [start, end) by what `middle` makes of it, and restores maximal runs. */
  private rewrite(start: number, end: number, middle: (pieces: Run[]) => Run[]): void {
    const { store } = this
    this.read()
    if (end <= start) return
    const touched = window(store, start, end)
    const before = touched.runs.flatMap((run) => clip(run, -Infinity, start))
    const inside = touched.runs.flatMap((run) => clip(run, start, end))
    const after = touched.runs.flatMap((run) => clip(run, end, Infinity))
    replaceRuns(
      store,
      touched.index,
      touched.runs,
      merged([...before, ...middle(inside), ...after]),
    )
  }
}

/** The runs that touch or adjoin [start, end). */
function window(store: RunStore, start: number, end: number): { index: number; runs: Run[] } {
  const index = store.search(start - 1)
  const runs: Run[] = []
  for (let i = index; i < store.count && (store.starts[i] as number) <= end; i++)
    runs.push(store.run(i))
  return { index, runs }
}

function clip(run: Run, from: number, to: number): Run[] {
  const start = Math.max(run.start, from)
  const end = Math.min(run.end, to)
  return start < end ? [{ start, end, words: run.words }] : []
}

const sameWords = (a: Int32Array, b: Int32Array): boolean => a.every((word, i) => word === b[i])

const sameRun = (a: Run | undefined, b: Run | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.start === b.start &&
  a.end === b.end &&
  sameWords(a.words, b.words)

/** Joins neighbours that adjoin and are equal. */
function merged(runs: readonly Run[]): Run[] {
  const result: Run[] = []
  for (const run of runs) {
    const last = result.at(-1)
    if (last !== undefined && last.end === run.start && sameWords(last.words, run.words))
      result[result.length - 1] = { ...last, end: run.end }
    else result.push(run)
  }
  return result
}

/** Splices only what differs, so that a change which changes nothing leaves no trace. */
function replaceRuns(store: RunStore, index: number, old: readonly Run[], next: readonly Run[]) {
  let head = 0
  while (head < old.length && sameRun(old[head], next[head])) head++
  let tail = 0
  while (
    tail < Math.min(old.length, next.length) - head &&
    sameRun(old[old.length - 1 - tail], next[next.length - 1 - tail])
  )
    tail++
  const removed = old.length - tail - head
  const inserted = next.slice(head, next.length - tail)
  if (removed > 0 || inserted.length > 0) store.splice(index + head, removed, inserted)
}

function rowEncoder<D extends Struct>(arena: Arena, def: D) {
  const parts = def.places.map(({ name, field, offset }) => ({
    name,
    offset,
    initial: field.initial,
    codec: codecOf(field, arena.texts),
  }))
  return (values: Values<D>, key: number): Int32Array => {
    const words = new Int32Array(def.words)
    for (const { name, offset, initial, codec } of parts)
      codec.put(words, offset, key, values[name] ?? initial)
    return words
  }
}

function fieldsOf<D extends Struct>(def: D, view: RunView<D>): Values<D> {
  const values: Record<string, unknown> = {}
  for (const { name } of def.places) values[name] = view[name]
  return values as Values<D>
}

// The fields of these two are declared, and not parameter properties: those are defined before they are
// assigned, which took a fifth of a search.

/** The key in the whole table is `at`; `key` is the one in the space that was asked. */
class CellBase {
  declare readonly at: number
  declare readonly key: number

  constructor(at: number, key: number) {
    this.at = at
    this.key = key
  }
}

/** `from` is the first key in the whole table, to which affine fields are relative. */
class RunBase {
  declare readonly words: Int32Array
  declare readonly from: number
  declare readonly start: number
  declare readonly end: number

  constructor(words: Int32Array, from: number, start: number, end: number) {
    this.words = words
    this.from = from
    this.start = start
    this.end = end
  }

  get length(): number {
    return this.end - this.start
  }
}

interface Views {
  readonly Cell: typeof CellBase
  readonly Run: typeof RunBase
}

const RESERVED = new Set(['at', 'key', 'words', 'from', 'start', 'end', 'length'])

/** View classes of one table, with an accessor for each of its fields. */
function rangeViews(arena: Arena, store: RunStore, places: readonly Place[]): Views {
  const Cell = class extends CellBase {}
  const Run = class extends RunBase {}
  for (const place of places) {
    if (RESERVED.has(place.name)) throw new Error(`range table: reserved field name ${place.name}`)
    Object.defineProperty(Cell.prototype, place.name, cellAccessor(arena, store, place))
    Object.defineProperty(Run.prototype, place.name, runAccessor(arena, place))
  }
  return { Cell, Run }
}

function newStore(arena: Arena, def: Struct): RunStore {
  const store = new RunStore(arena, arena.stores.length, def.words)
  arena.stores.push(store)
  return store
}

function runAccessor(arena: Arena, { field, offset }: Place): PropertyDescriptor {
  const codec = codecOf(field, arena.texts)
  return {
    enumerable: true,
    get(this: RunBase) {
      return codec.get(this.words, offset, this.from)
    },
  }
}

function cellAccessor(arena: Arena, store: RunStore, { field, offset }: Place): PropertyDescriptor {
  const codec = codecOf(field, arena.texts)
  const scratch = new Int32Array(2)
  return {
    enumerable: true,
    get(this: CellBase) {
      return codec.get(store.words, store.search(this.at) * store.width + offset, this.at)
    },
    set(this: CellBase, value: unknown) {
      codec.put(scratch, 0, this.at, value)
      for (let word = 0; word < field.words; word++)
        assignWord(store, this.at, offset + word, scratch[word] as number)
    },
  }
}

/** Writes one word at one key: in place where the run is that key alone and has no neighbour to join. */
function assignWord(store: RunStore, key: number, offset: number, value: number): void {
  const index = store.search(key)
  if (store.words[index * store.width + offset] === value) return
  if (isAlone(store, index)) {
    store.assign(index, offset, value)
    return
  }
  const touched = window(store, key, key + 1)
  const pieces = touched.runs.flatMap((run) => [
    ...clip(run, -Infinity, key),
    ...clip(run, key, key + 1).map((piece) => ({
      ...piece,
      words: withWord(piece.words, offset, value),
    })),
    ...clip(run, key + 1, Infinity),
  ])
  replaceRuns(store, touched.index, touched.runs, merged(pieces))
}

function isAlone(store: RunStore, index: number): boolean {
  const start = store.starts[index] as number
  const end = store.ends[index] as number
  return (
    end === start + 1 &&
    (index === 0 || store.ends[index - 1] !== start) &&
    (index === store.count - 1 || store.starts[index + 1] !== end)
  )
}

function withWord(words: Int32Array, offset: number, value: number): Int32Array {
  const copy = words.slice()
  copy[offset] = value
  return copy
}
