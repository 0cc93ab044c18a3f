import type { Arena } from './arena'
import { codecOf } from './codec'
import type { Ref } from './fields'
import type { Place, Struct, Values, View } from './struct'

/** The live word and the fields: a row is free when its first word is 0. */
const HEADER_WORDS = 1

export const tableWords = (def: Struct, capacity: number): number =>
  (def.words + HEADER_WORDS) * capacity

/**
 * Rows of one struct, numbered from 1 as pointers that are never reused while they are held: `alloc`
 * takes the lowest free row, so equal histories give equal numbers.
 */
export class Table<D extends Struct> {
  private readonly stride: number
  private readonly views: View<D>[]
  /** Rows below this one are taken, as long as nothing was undone since `checkedAt`. */
  private firstFree = 1
  private checkedAt = 0

  constructor(
    private readonly arena: Arena,
    readonly def: D,
    /** Address of the first row in the arena. */
    readonly base: number,
    readonly capacity: number,
  ) {
    this.stride = def.words + HEADER_WORDS
    const Row = overlay(arena, def)
    this.views = Array.from(
      { length: capacity },
      (_, row) => new Row(base + row * this.stride + HEADER_WORDS, row + 1) as unknown as View<D>,
    )
  }

  /** The row with this number; a NULL or free row is a programming error. */
  at(id: Ref<D['name']> | number): View<D> {
    const view = this.views[id - 1]
    if (view === undefined || !this.isLive(id))
      throw new Error(`${this.def.name}[${id}]: no such row`)
    return view
  }

  isLive(id: number): boolean {
    // Not `id <= 0 || …`, which NaN passes: a local that a frame does not have, as a number.
    if (!(id > 0 && id <= this.capacity)) return false
    const at = this.liveWord(id)
    this.arena.reads[at] = 1
    return this.arena.words[at] === 1
  }

  /** Takes the lowest free row. Undefined when all `capacity` rows are in use. */
  alloc(values: Values<D> = {}): View<D> | undefined {
    const id = this.lowestFree()
    if (id === undefined) return undefined
    this.arena.write(this.liveWord(id), 1)
    const row = this.at(id) as Record<string, unknown>
    for (const { name, field } of this.def.places) row[name] = values[name] ?? field.initial
    return row as View<D>
  }

  /** Takes a row where the caller knows that there is one. */
  make(values: Values<D> = {}): View<D> {
    const row = this.alloc(values)
    if (row === undefined) throw new Error(`${this.def.name}: all ${this.capacity} rows are in use`)
    return row
  }

  free(id: Ref<D['name']> | number): void {
    const at = this.liveWord(this.at(id).id)
    for (let word = 0; word < this.stride; word++) this.arena.write(at + word, 0)
    this.firstFree = Math.min(this.firstFree, Number(id))
  }

  get isFull(): boolean {
    return this.lowestFree() === undefined
  }

  /** The live rows by number. */
  rows(): View<D>[] {
    const live: View<D>[] = []
    for (const row of this.views) if (this.isLive(row.id)) live.push(row)
    return live
  }

  find(test: (row: View<D>) => boolean): View<D> | undefined {
    for (const row of this.views) if (this.isLive(row.id) && test(row)) return row
    return undefined
  }

  /** Where the first word of a row’s field lies. */
  addressOf(id: number, field: string): number {
    const offset = this.def.places.find(({ name }) => name === field)?.offset ?? 0
    return this.liveWord(id) + HEADER_WORDS + offset
  }

  private liveWord(id: number): number {
    return this.base + (id - 1) * this.stride
  }

  private lowestFree(): number | undefined {
    if (this.checkedAt !== this.arena.rewinds) this.firstFree = 1
    this.checkedAt = this.arena.rewinds
    while (this.firstFree <= this.capacity && this.isLive(this.firstFree)) this.firstFree += 1
    return this.firstFree <= this.capacity ? this.firstFree : undefined
  }
}

/** A row's view: `base` is the address of its first field, `id` the number that refs hold. */
export class RowBase {
  constructor(
    readonly base: number,
    readonly id: number,
  ) {}
}

/** A class of views that read the arena's words at `base` as this struct: a union's member, in C. */
export function overlay(arena: Arena, def: Struct): typeof RowBase {
  const Row = class extends RowBase {}
  for (const place of def.places)
    Object.defineProperty(Row.prototype, place.name, rowAccessor(arena, place))
  return Row
}

/** One word fields are read and written in place, without the codec: this is the checker's hot path. */
function rowAccessor(arena: Arena, { field, offset }: Place): PropertyDescriptor {
  const { words } = arena
  if (field.kind === 'int' || field.kind === 'bits' || field.kind === 'ref')
    return {
      enumerable: true,
      get(this: RowBase) {
        const at = this.base + offset
        arena.reads[at] = 1
        return words[at]
      },
      set(this: RowBase, value: number) {
        arena.write(this.base + offset, value)
      },
    }
  const codec = codecOf(field, arena.texts)
  const scratch = new Int32Array(2)
  const isPair = field.words === 2
  return {
    enumerable: true,
    get(this: RowBase) {
      const at = this.base + offset
      arena.reads[at] = 1
      if (isPair) arena.reads[at + 1] = 1
      return codec.get(words, at, 0)
    },
    set(this: RowBase, value: unknown) {
      codec.put(scratch, 0, 0, value)
      arena.write(this.base + offset, scratch[0] as number)
      if (isPair) arena.write(this.base + offset + 1, scratch[1] as number)
    },
  }
}
