/**
 * The kinds of field that a struct may have, each with the words it takes, the TypeScript type that a
 * view shows, and how it reads in a dump. A field knows nothing about where its words are.
 */

declare const pointsTo: unique symbol

/** A row number of the table whose struct is called `T`, as a pointer is in C; 0 is NULL. */
export type Ref<T extends string> = (number & { readonly [pointsTo]: T }) | 0

/** What an affine field reads as where it has no value. */
export const NONE = -1

interface FieldOf<Kind extends string, Words extends 1 | 2, T> {
  readonly kind: Kind
  readonly words: Words
  readonly initial: T
  /** One sentence for the inspector: meaning, unit, and the kernel's own name where it differs. */
  readonly about: string
}

export type IntField = FieldOf<'int', 1, number>
export type WideField = FieldOf<'wide', 2, number>
export type TextField = FieldOf<'text', 1, string>
/** A value that advances by one with the key of a range table: a pfn along virtual pages, say. */
export type AffineField = FieldOf<'affine', 2, number>
export interface BitsField extends FieldOf<'bits', 1, number> {
  readonly flags: FlagSet<string>
}
export interface ChoiceField<C extends string> extends FieldOf<'choice', 1, C> {
  readonly choices: readonly C[]
}
export interface RefField<T extends string> extends FieldOf<'ref', 1, Ref<T>> {
  readonly target: T
}

export type Field =
  | IntField
  | WideField
  | TextField
  | AffineField
  | BitsField
  | ChoiceField<string>
  | RefField<string>

export type FieldValue<F extends Field> = F['initial']

/** A signed 32-bit integer. */
export const int = (initial = 0, about = ''): IntField => ({
  kind: 'int',
  words: 1,
  initial,
  about,
})

/** An integer that is exact up to 2^53: page frame numbers, addresses of 52 bits, byte counts. */
export const wide = (initial = 0, about = ''): WideField => ({
  kind: 'wide',
  words: 2,
  initial,
  about,
})

/** An integer that advances with the key; `NONE` (-1) where there is no value. Range tables only. */
export const affine = (about = ''): AffineField => ({
  kind: 'affine',
  words: 2,
  initial: NONE,
  about,
})

/** A name. Texts are interned: the word holds the text's own hash, never markup, never a format. */
export const text = (about = ''): TextField => ({ kind: 'text', words: 1, initial: '', about })

/** One word of named flags. */
export const bits = (flags: FlagSet<string>, about = ''): BitsField => ({
  kind: 'bits',
  words: 1,
  initial: 0,
  about,
  flags,
})

/** One of a few named values; the first is the initial one. */
export const choice = <const C extends string>(
  choices: readonly [C, ...C[]],
  about = '',
): ChoiceField<C> => ({ kind: 'choice', words: 1, initial: choices[0], about, choices })

/** A pointer to a row of the struct called `target`. */
export const ref = <const T extends string>(target: T, about = ''): RefField<T> => ({
  kind: 'ref',
  words: 1,
  initial: 0,
  about,
  target,
})

const definition: unique symbol = Symbol('flag definition')

interface FlagDefinition {
  /** Bit numbers as the hardware or the kernel numbers them, 0…63. */
  readonly positions: Readonly<Record<string, number>>
  readonly names: readonly string[]
}

/** Named one-bit masks: `PTE.rw` is the mask of rw in the stored word. */
export type FlagSet<N extends string> = { readonly [K in N]: number } & {
  readonly [definition]: FlagDefinition
}

/**
 * Names the bits of a word. Bit numbers are the kernel's (0…63). A set that needs more than 32 bits
 * is stored by the order of its names instead, so that one word always suffices; `flagsValue` gives
 * the architectural value back.
 */
export function flags<const N extends Record<string, number>>(
  positions: N,
): FlagSet<Extract<keyof N, string>> {
  const names = Object.keys(positions)
  if (names.length > 32) throw new Error(`flags: ${names.length} names, at most 32 fit in a word`)
  const fits = names.every((name) => (positions[name] ?? 0) < 32)
  const masks = names.map((name, order) => [name, 1 << (fits ? (positions[name] ?? 0) : order)])
  return Object.assign(Object.fromEntries(masks), {
    [definition]: { positions, names },
  }) as FlagSet<Extract<keyof N, string>>
}

const maskOf = (set: FlagSet<string>, name: string): number => set[name] ?? 0

/** The names of a set in the order of their declaration. */
export const flagNames = (set: FlagSet<string>): readonly string[] => set[definition].names

/** The bit number that the kernel or the hardware gives to a flag. */
export const flagPosition = (set: FlagSet<string>, name: string): number =>
  set[definition].positions[name] ?? 0

/** The names of the bits that are set in `value`, in the order of their declaration. */
export const flagsSet = (set: FlagSet<string>, value: number): string[] =>
  flagNames(set).filter((name) => (value & maskOf(set, name)) !== 0)

/** The word as the hardware would hold it: every set flag at its architectural bit. */
export const flagsValue = (set: FlagSet<string>, value: number): bigint =>
  flagsSet(set, value).reduce((sum, name) => sum | (1n << BigInt(flagPosition(set, name))), 0n)

const WORD = 4294967296

export const lowWord = (value: number): number => value | 0
export const highWord = (value: number): number => Math.floor(value / WORD) | 0
export const wideOf = (low: number, high: number): number => high * WORD + (low >>> 0)

/** The high word of an affine field that has no value; no difference of two keys reaches it. */
export const NONE_HIGH = -0x80000000
