import type { Field, FieldValue, Ref } from './fields'

/** The fields of a struct by name, in the order in which their words lie. */
export type Schema = Readonly<Record<string, Field>>

export interface Place {
  readonly name: string
  readonly field: Field
  /** Words from the start of the row. */
  readonly offset: number
}

export interface Struct<N extends string = string, S extends Schema = Schema> {
  readonly name: N
  readonly fields: S
  readonly places: readonly Place[]
  /** Words of one row. */
  readonly words: number
}

/** A row's fields as a C struct shows them: read and assigned by name. */
export type Fields<S extends Schema> = { -readonly [K in keyof S]: FieldValue<S[K]> }

/** A row of a table: its fields, and its number, which is what a `ref` to it holds. */
export type View<D extends Struct> = Fields<D['fields']> & { readonly id: Ref<D['name']> }

/** Values for some of the fields; the rest get their initial values. */
export type Values<D extends Struct> = Partial<Fields<D['fields']>>

/** Declares a struct. From it alone come the views, the packed form, the hash, the diff and the dump. */
export function struct<const N extends string, const S extends Schema>(
  name: N,
  fields: S,
): Struct<N, S> {
  let offset = 0
  const places: Place[] = []
  for (const [key, field] of Object.entries(fields)) {
    places.push({ name: key, field, offset })
    offset += field.words
  }
  return { name, fields, places, words: offset }
}
