import type { Field } from './fields'
import { highWord, lowWord, NONE, NONE_HIGH, wideOf } from './fields'
import type { TextPool } from './text-pool'

/** Between the words of a field and the value that a view shows. `key` matters to affine fields only. */
export interface Codec {
  get(words: Int32Array, at: number, key: number): unknown
  put(words: Int32Array, at: number, key: number, value: unknown): void
}

const raw: Codec = {
  get: (words, at) => words[at],
  put(words, at, _key, value) {
    words[at] = value as number
  },
}

const wideCodec: Codec = {
  get: (words, at) => wideOf(words[at] as number, words[at + 1] as number),
  put(words, at, _key, value) {
    words[at] = lowWord(value as number)
    words[at + 1] = highWord(value as number)
  },
}

/** Stores the distance from the key, so that equal runs have equal words. */
const affineCodec: Codec = {
  get(words, at, key) {
    const high = words[at + 1] as number
    return high === NONE_HIGH ? NONE : wideOf(words[at] as number, high) + key
  },
  put(words, at, key, value) {
    const none = value === NONE
    const distance = (value as number) - key
    words[at] = none ? 0 : lowWord(distance)
    words[at + 1] = none ? NONE_HIGH : highWord(distance)
  },
}

function choiceCodec(choices: readonly string[]): Codec {
  const numbers = new Map(choices.map((name, number) => [name, number]))
  return {
    get: (words, at) => choices[words[at] as number],
    put(words, at, _key, value) {
      const number = numbers.get(value as string)
      if (number === undefined) throw new Error(`choice: ${String(value)} is not one of ${choices}`)
      words[at] = number
    },
  }
}

const textCodec = (texts: TextPool): Codec => ({
  get: (words, at) => texts.text(words[at] as number),
  put(words, at, _key, value) {
    words[at] = texts.word(value as string)
  },
})

/** True if the words of the initial value are zeros, as those of a fresh row are. */
export function beginsAsZeros(field: Field, texts: TextPool): boolean {
  const words = new Int32Array(field.words)
  codecOf(field, texts).put(words, 0, 0, field.initial)
  return words.every((word) => word === 0)
}

export function codecOf(field: Field, texts: TextPool): Codec {
  switch (field.kind) {
    case 'int':
    case 'bits':
    case 'ref':
      return raw
    case 'wide':
      return wideCodec
    case 'affine':
      return affineCodec
    case 'choice':
      return choiceCodec(field.choices)
    case 'text':
      return textCodec(texts)
    default:
      return field satisfies never
  }
}
