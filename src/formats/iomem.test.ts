import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type IomemNode, readIomem, writeIomem } from './iomem'

const fixtures = new URL('fixtures/', import.meta.url)
const listings = readdirSync(fixtures).filter((name) => name.endsWith('.iomem.txt'))
const fixture = (name: string): string => readFileSync(new URL(name, fixtures), 'utf8')

function listingOf(text: string, mode: 'strict' | 'lenient' = 'strict') {
  const read = readIomem(text, { mode })
  if (!read.ok) throw new Error(read.error.sentence)
  return { ...read.value, warnings: read.warnings }
}

function errorOf(text: string) {
  const read = readIomem(text)
  if (read.ok) throw new Error('was read')
  return read.error
}

const RAM = '00100000-3fffffff : System RAM'

test('There are five samples and two machines', () => {
  expect(listings).toHaveLength(7)
})

test.each(listings)('%s is read without a warning, and printed back as it was', (name) => {
  const { nodes, redacted, warnings } = listingOf(fixture(name))
  expect({ redacted, warnings }).toEqual({ redacted: false, warnings: [] })
  expect(writeIomem(nodes)).toBe(fixture(name).replace(/\n*$/, '\n'))
})

const lined = (prefix: string, text: string): string => text.replace(/^(?=.)/gm, prefix)

test.each(listings)('%s is the same tree when it is quoted, indented or has CRLF', (name) => {
  const text = fixture(name)
  const tree = writeIomem(listingOf(text).nodes)
  const variants = [
    lined('> ', text),
    lined('>> ', text),
    lined('> > ', text),
    lined('    ', text),
    lined('\t', text),
    `On Monday, somebody wrote:\n${lined('> ', text)}`,
    `\ufeff\n\n${text.replaceAll('\n', '\r\n')}\n\n`,
    text.replace(/^ *[0-9a-f]+-[0-9a-f]+/gm, (range) => range.toUpperCase()),
    text.replaceAll('\n', '\n\n'),
  ]
  for (const variant of variants) expect(writeIomem(listingOf(variant).nodes)).toBe(tree)
})

test.each([
  ['E01', 'range must be START-END without spaces', '00100000 - 3fffffff : System RAM', 9],
  ['E01', 'range must be START-END without spaces', '00100000- 3fffffff : System RAM', 10],
  ['E02', "expected ' : ' between range and name", '00100000-3fffffff: System RAM', 18],
  ['E02', "expected ' : ' between range and name", '00100000-3fffffff System RAM', 18],
  ['E03', 'empty resource name', '00100000-3fffffff : ', 21],
  ['E03', 'empty resource name', '00100000-3fffffff :', 20],
  ['E04', 'indent must be a multiple of two spaces', '   000f0000-000fffff : System ROM', 4],
  ['E04', 'indent must be a multiple of two spaces', '\t000f0000-000fffff : System ROM', 1],
  ['E05', 'indent deeper than previous line allows', '    00000000-00000fff : Reserved', 5],
  ['E06', 'bad hex digit "g"', '0010000g-3fffffff : x', 8],
  ['E06', 'bad hex digit "z"', '00100000-3ffffffz : x', 17],
  ['E07', 'end below start', '3fffffff-00100000 : x', 10],
  ['E08', 'child not inside parent "low" (line 1)', '  e0000000-efffffff : x', 3],
  ['E09', 'overlaps previous sibling "low" (line 1)', '00000800-00001fff : x', 1],
  ['E11', 'address wider than 64 bits', '00000000000100000-3fffffff : x', 1],
  ['E11', 'address wider than 64 bits', '00100000-0000000003fffffff : x', 10],
  ['E12', 'looks like /proc/ioports or truncated address', '1000-1fff : x', 1],
  [
    'E14',
    'depth above 5 cannot be printed by the kernel',
    `${' '.repeat(12)}00000000-00000001 : x`,
    13,
  ],
  ['E16', 'control character in the name', '00100000-3fffffff : a\u001b[31m', 22],
  ['E16', 'control character in the name', '00100000-3fffffff : a\u202eb', 22],
  ['E16', 'NUL byte', '00100000-3fffffff : a\0', 22],
])('%s "%s" is what %j gets', (code, says, line, column) => {
  const error = errorOf(`00000000-00000fff : low\n${line}\n`)
  expect(error).toMatchObject({ code, line: 2, column })
  expect(error.sentence).toContain(says)
  expect(error.sentence).toContain('ine 2, column')
})

test('E05 is what an indented first line gets', () => {
  const error = errorOf('  000f0000-000fffff : System ROM\n00100000-3fffffff : System RAM')
  expect(error).toMatchObject({ code: 'E05', line: 1, column: 3 })
  expect(errorOf('  000f0000-000fffff : System ROM').code).toBe('E05')
})

test('E10 is what a sibling gets that lies below the one before', () => {
  const error = errorOf(`${RAM}\n00000000-00000fff : x`)
  expect(error).toMatchObject({ code: 'E10', line: 2, column: 1 })
  expect(error.sentence).toContain('siblings out of order')
  expect(error.sentence).toContain('lenient')
})

test('E13 is a warning: ranges that were hidden are not checked', () => {
  const { warnings, redacted, nodes } = listingOf(
    `${RAM}\n  00000000-00000000 : Kernel code\n00000000-00000000 : x\n40000000-4fffffff : y`,
  )
  expect(redacted).toBe(false)
  expect(warnings.join()).toContain('Line 2: partly redacted listing, 2 of 4 ranges')
  expect(warnings.join()).toContain('E13')
  expect(nodes.map(({ name }) => name)).toEqual(['System RAM', 'x', 'y'])
})

test.each(['', ' \n\n', '\ufeff', '>\n> \n'])('E15 is what the empty text %j gets', (text) => {
  expect(errorOf(text)).toMatchObject({ code: 'E15', line: 1, column: 1 })
})

test('E17 is what more than 200,000 lines or 16 MiB get', () => {
  expect(errorOf(`${RAM}\n`.repeat(200_001))).toMatchObject({ code: 'E17', line: 200_001 })
  expect(errorOf('x'.repeat(16 * 1024 * 1024 + 1)).code).toBe('E17')
})

test('Errors name the place in the text as it was pasted', () => {
  const error = errorOf(`On Monday, A wrote:\n> ${RAM}\n>\n>   0010000g-3fffffff : x`)
  expect(error).toMatchObject({ code: 'E06', line: 4, column: 12 })
})

test('A listing of zeros keeps its shape, and says how to read the addresses', () => {
  const text = fixture('sample-b.iomem.txt').replace(
    /[0-9a-f]+-[0-9a-f]+(?= :)/g,
    '00000000-00000000',
  )
  const { nodes, redacted, warnings } = listingOf(text)
  expect(redacted).toBe(true)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain('without CAP_SYS_ADMIN')
  expect(warnings[0]).toContain('root')
  expect(writeIomem(nodes)).toBe(text)
})

test('Lenient reading keeps a torn listing, and tags the lines that cannot be', () => {
  const torn =
    '00001000-00001fff : a\n00002000-00002fff : b\n00002000-00002fff : b\n00003000-00003fff : c'
  const error = errorOf(torn)
  expect(error).toMatchObject({ code: 'E09', line: 3 })
  expect(error.sentence).toContain('lenient')
  const { nodes, warnings } = listingOf(torn, 'lenient')
  expect(nodes.map(({ inconsistent }) => inconsistent?.slice(0, 3))).toEqual([
    undefined,
    undefined,
    'E09',
    undefined,
  ])
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain('inconsistent (torn read?)')
})

test('Lenient reading of a long torn listing does not warn without end', () => {
  const { warnings } = listingOf(`${RAM}\n`.repeat(1000), 'lenient')
  expect(warnings).toHaveLength(21)
  expect(warnings.at(-1)).toContain('979 more')
})

test('At depth 5 a line inside the one above is its child', () => {
  const bus = find(listingOf(fixture('sample-b.iomem.txt')).nodes, 'PCI Bus 0000:1a')
  expect(bus?.children.map(({ name, depth }) => [name, depth])).toEqual([
    ['0000:1a:00.0', 5],
    ['0000:1a:00.1', 5],
  ])
  expect(bus?.children[0]?.children).toMatchObject([{ name: 'nvme', depth: 6 }])
})

function find(nodes: readonly IomemNode[], name: string): IomemNode | undefined {
  for (const node of nodes) {
    const found = node.name === name ? node : find(node.children, name)
    if (found !== undefined) return found
  }
  return undefined
}

test('Ranges that nest without end are refused, since they would break what walks over them', () => {
  const top = [0, 1, 2, 3, 4].map((depth) => `${'  '.repeat(depth)}00000000-ffffffff : x\n`)
  const error = errorOf(top.join('') + `${' '.repeat(10)}00000000-ffffffff : x\n`.repeat(1000))
  expect(error).toMatchObject({ code: 'E17', line: 65 })
})

test('Addresses are exact to 64 bits, and a missing name is printed as the kernel does', () => {
  const { nodes } = listingOf('fffffffffffffffe-ffffffffffffffff : <BAD>')
  expect(nodes[0]).toMatchObject({ start: 2n ** 64n - 2n, end: 2n ** 64n - 1n, name: '<BAD>' })
  expect(writeIomem([{ start: 0n, end: 1n, name: null, children: [] }])).toBe(
    '00000000-00000001 : <BAD>\n',
  )
})

test('A name is the rest of the line, whatever is in it', () => {
  const { nodes } = listingOf('00000000-00000fff : a : b [bus 00-ff] <img src=x> ')
  expect(nodes[0]?.name).toBe('a : b [bus 00-ff] <img src=x> ')
})

test('100,000 lines are read', () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => {
    const start = (Math.floor(i / 2) * 0x1000).toString(16).padStart(8, '0')
    return `${i % 2 === 0 ? '' : '  '}${start}-${start.slice(0, -3)}fff : node ${i}\n`
  })
  const text = lines.join('')
  const { nodes } = listingOf(text)
  expect(nodes).toHaveLength(50_000)
  expect(writeIomem(nodes)).toBe(text)
  expect(listingOf(lined('> ', text)).nodes).toHaveLength(50_000)
})
