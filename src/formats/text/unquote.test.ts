import { expect, test } from 'vitest'
import { countLines, placeIn, unquote } from './unquote'

const plain = ['00000000-00000fff : a', '  00000000-000000ff : b', '00001000-00001fff : c']
const textsOf = (text: string): string[] => unquote(text).map((line) => line.text)
const quotedBy = (marks: string): string => plain.map((line) => marks + line).join('\n')

test.each([
  ['nothing', quotedBy('')],
  ['"> "', quotedBy('> ')],
  ['">"', quotedBy('>')],
  ['">> "', quotedBy('>> ')],
  ['"> > "', quotedBy('> > ')],
  ['an indented quote', quotedBy('    > ')],
  ['an indent of blanks', quotedBy('    ')],
  ['an indent of a TAB', quotedBy('\t')],
  ['a quote with an indent', quotedBy('> \t')],
  ['CRLF', plain.join('\r\n')],
  ['a byte order mark', `\ufeff${quotedBy('')}`],
  ['blank lines around', `\n \n${quotedBy('')}\n\n`],
  ['an attribution', `On Mon, 3 Nov 2025 at 10:00, A B <a@b.example> wrote:\n\n${quotedBy('> ')}`],
  [
    'a broken attribution',
    `On Mon, 3 Nov 2025 at 10:00,\nA B <a@b.example> wrote:\n${quotedBy('> ')}`,
  ],
  ['a quoted attribution', `> On Monday, C wrote:\n${quotedBy('>> ')}`],
])('A text keeps its lines when %s is taken off', (_, text) => {
  expect(textsOf(text)).toEqual(plain)
})

test('Lines keep the numbers and columns that they had', () => {
  const lines = unquote('\nOn Monday, A wrote:\n> \n> one\n>\n> two\n')
  expect(lines).toEqual([
    { number: 4, cut: 2, text: 'one' },
    { number: 5, cut: 1, text: '' },
    { number: 6, cut: 2, text: 'two' },
  ])
  expect(placeIn(lines, 3, 2)).toEqual({ line: 6, column: 4 })
})

test('A quote that not every line has stays', () => {
  expect(textsOf('> a\nb')).toEqual(['> a', 'b'])
})

test('The indent of a single line stays, since nothing shows that it is common', () => {
  expect(textsOf('  a')).toEqual(['  a'])
})

test('A text of blanks has no lines', () => {
  expect(unquote('\ufeff \n>\n> \n')).toEqual([])
})

test('A final newline begins no further line', () => {
  expect([countLines(''), countLines('a'), countLines('a\n'), countLines('a\nb')]).toEqual([
    0, 1, 1, 2,
  ])
})
