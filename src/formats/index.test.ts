import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formats, readAny, toJson } from '.'

const folder = new URL('fixtures/', import.meta.url)
const fixture = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const names = readdirSync(folder).filter((name) =>
  /\.(iomem\.txt|(cxl|ndctl)-list\.json)$/.test(name),
)
const DAXCTL = '[{"path":"/platform/hmem.0/dax_region","id":0,"devices":[{"chardev":"dax0.0"}]}]'
const texts = [...names.map(fixture), DAXCTL]

test.each(names)('The kind of %s is found, also in a mail', (name) => {
  const kind = /iomem|cxl(?=-list)|ndctl/.exec(name)?.[0]
  for (const text of [fixture(name), fixture(name).replace(/^/gm, '> ')]) {
    const read = readAny(text)
    expect(read.ok && read.value.kind).toBe(kind)
  }
})

test('The kind of a daxctl list is found', () => {
  const read = readAny(DAXCTL)
  expect(read.ok && read.value.kind).toBe('daxctl')
})

test('A text that is cut off is refused as what it began to be', () => {
  const read = readAny(fixture('qemu-q35-pmem.ndctl-list.json').slice(0, 200))
  expect(read.ok ? '' : read.error.sentence).toContain('instead of the end of the text')
})

test.each([
  ['', undefined, 'empty'],
  ['hello', undefined, 'Nothing here is of a known kind'],
  ['{"hello": 1}', undefined, 'Nothing here is of a known kind'],
  ['{"hello": ', undefined, 'Line 1, column 11'],
  ['a\0', undefined, 'NUL'],
  ['[]', 'lspci', 'There is no format "lspci": use one of'],
  ['1000-1fff : x', undefined, 'looks like /proc/ioports'],
  ['0010000g-3fffffff : x', undefined, 'bad hex digit'],
  ['00100000 - 3fffffff : x', undefined, 'START-END without spaces'],
])('%j as %s is refused in a sentence', (text, as, says) => {
  const read = readAny(text, as)
  expect(read.ok ? '' : read.error.sentence).toContain(says)
})

test('An iomem listing in the form of the terminal has its tree, with addresses as text', () => {
  const read = readAny(
    '100000000-1ffffffff : Persistent Memory\n  100000000-100001fff : namespace0.0\n',
  )
  if (!read.ok) throw new Error(read.error.sentence)
  expect(JSON.parse(JSON.stringify(toJson(read.value, read.warnings)))).toEqual({
    kind: 'iomem',
    tree: [
      {
        start: '0x100000000',
        end: '0x1ffffffff',
        name: 'Persistent Memory',
        children: [
          { start: '0x100000000', end: '0x100001fff', name: 'namespace0.0', children: [] },
        ],
      },
    ],
    warnings: [],
  })
})

test.each([
  [
    'cxl',
    '[{"memdev":"mem0","serial":18446744073709551614,"ram_size":4096}]',
    '0xfffffffffffffffe',
  ],
  ['ndctl', '[{"dev":"region0","iset_id":18446744073709551614}]', '0xfffffffffffffffe'],
  ['daxctl', '[{"chardev":"dax0.0","size":4096}]', 'dax0.0'],
])('A %s list in the form of the terminal has its topology', (kind, text, holds) => {
  const read = readAny(text)
  if (!read.ok) throw new Error(read.error.sentence)
  const json = toJson(read.value, read.warnings)
  expect(json).toMatchObject({ kind, warnings: [] })
  expect(JSON.stringify(json.topology)).toContain(holds)
})

const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/** Reads as every kind; whatever comes out is an answer, or one clean sentence. */
function expectAnAnswer(text: string): void {
  for (const as of [undefined, ...formats.map(({ name }) => name)]) {
    if (as === 'recording') continue
    const read = readAny(text, as)
    if (read.ok) JSON.stringify(toJson(read.value, read.warnings))
    const sentences = read.ok ? read.warnings : [read.error.sentence]
    for (const sentence of sentences) {
      expect(sentence.length).toBeLessThanOrEqual(300)
      expect(sentence).not.toMatch(CONTROL)
    }
  }
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom(
    '\0',
    '\ud800',
    '\u202e',
    '\t',
    '"',
    '{',
    ']',
    ' : ',
    '-',
    '\\u001b',
    '9'.repeat(50),
  ),
)

test('Damaged text is read, or refused in one sentence, and never throws', () => {
  const damage = fc.tuple(fc.nat(), fc.nat({ max: 40 }), hostile)
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.array(damage, { minLength: 1, maxLength: 4 }),
      (text, all) => {
        let damaged = text
        for (const [place, length, put] of all) {
          const at = place % (damaged.length + 1)
          damaged = damaged.slice(0, at) + put + damaged.slice(at + length)
        }
        expectAnAnswer(damaged)
      },
    ),
    { numRuns: 500 },
  )
})

test('Truncated text is read, or refused in one sentence, and never throws', () => {
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.nat(), fc.nat(), (text, from, to) => {
      expectAnAnswer(text.slice(from % text.length, to % text.length))
    }),
    { numRuns: 500 },
  )
})

test('Binary is refused in one sentence', () => {
  const binary = fc.uint8Array({ maxLength: 400 }).map((bytes) => new TextDecoder().decode(bytes))
  fc.assert(fc.property(binary, expectAnAnswer), { numRuns: 500 })
})

test('Deep and long text of one character is refused quickly', () => {
  for (const piece of ['[', '{"a":', '>', '0', ' ', 'f-', '"', '\n', '> \n'])
    expectAnAnswer(piece.repeat(1_000_000))
}, 60_000)
