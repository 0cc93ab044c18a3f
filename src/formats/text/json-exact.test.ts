import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readJson } from './json-exact'

function parsed(text: string): unknown {
  const read = readJson(text)
  if (!read.ok) throw new Error(read.error.sentence)
  return read.value
}

function errorOf(text: string): string {
  const read = readJson(text)
  return read.ok ? 'no error' : read.error.sentence
}

test('Whole numbers beyond 2^53 are exact', () => {
  expect(parsed('[9007199254740991, 9007199254740993, -18446744073709551615, 1.5e3]')).toEqual([
    9007199254740991,
    9007199254740993n,
    -18446744073709551615n,
    1500,
  ])
})

test('A key named __proto__ is a key like any other', () => {
  const value = parsed('{"__proto__": {"polluted": true}}') as Record<string, unknown>
  expect(Object.keys(value)).toEqual(['__proto__'])
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  expect(value['polluted']).toBeUndefined()
})

test.each([
  ['', 'Line 1, column 1: expected a JSON value instead of the end of the text.'],
  ['[1,\n 2', 'Line 2, column 3: expected "," or "]" instead of the end of the text.'],
  ['[1,]', 'Line 1, column 4: expected a JSON value instead of "]".'],
  ['{"a" 1}', 'Line 1, column 6: expected ":" after the key instead of "1".'],
  ['{a: 1}', 'Line 1, column 2: expected a key in quotes instead of "a".'],
  ['{"a": 1 "b"}', 'Line 1, column 9: expected "," or "}" instead of """.'],
  ['[]\n[]', 'Line 2, column 1: the JSON should end before "[".'],
  ['nul', 'Line 1, column 1: expected a JSON value instead of "nul".'],
  ['-', 'Line 1, column 1: a digit must follow the minus sign.'],
  ['[1e999]', 'Line 1, column 2: the number "1e999" is too large.'],
  [`[${'9'.repeat(41)}]`, 'Line 1, column 2: the number has more than 40 digits.'],
  ['"abc', 'Line 1, column 1: the text in quotes has no end.'],
  ['"a\\x"', 'Line 1, column 1: there is a bad "\\" escape in the quotes.'],
  ['["a\tb"]', 'Line 1, column 4: there is a control character in the quotes.'],
])('The damaged text %j is refused with its place', (text, sentence) => {
  expect(errorOf(text)).toBe(sentence)
})

test('64 levels are read, and 65 are refused', () => {
  expect(readJson('['.repeat(64) + ']'.repeat(64)).ok).toBe(true)
  expect(errorOf('['.repeat(65))).toContain('nested deeper than 64 levels')
  expect(errorOf('{"a":'.repeat(1_000_000))).toContain('nested deeper than 64 levels')
})

test('A text that is too long is refused, and a long string or number is no trouble', () => {
  expect(errorOf(' '.repeat(16 * 1024 * 1024 + 1))).toContain('longer than 16777216 characters')
  expect(errorOf(`"${'\\n'.repeat(8_000_000)}"`)).toBe('no error')
  expect(errorOf('9'.repeat(10_000_000))).toContain('more than 40 digits')
})

test('What JSON.stringify writes is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value)
      expect(JSON.parse(JSON.stringify(parsed(text), bigintAsNumber))).toEqual(JSON.parse(text))
    }),
  )
})

const bigintAsNumber = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? Number(value) : value

test('Any text is read as JSON.parse reads it, or refused as it refuses it', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    'a',
    '1',
    '-',
    '.',
    'e',
    'null',
    ' ',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('')
      let accepted = true
      try {
        JSON.parse(text)
      } catch {
        accepted = false
      }
      const read = readJson(text)
      if (read.ok) expect(accepted).toBe(true)
      else if (accepted) expect(read.error.sentence).toContain('too large')
    }),
    { numRuns: 2000 },
  )
})
