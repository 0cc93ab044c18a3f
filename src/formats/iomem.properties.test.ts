import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type IomemNode, type PrintableNode, readIomem, writeIomem } from './iomem'

const character = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
  .filter((c) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(c))
const nameOf = fc
  .array(character, { minLength: 1, maxLength: 12 })
  .map((characters) => characters.join(''))
  .filter((name) => name.trim() !== '')

/** Cuts of a range into disjoint ascending children; deeper than the kernel prints, too. */
function treesIn(start: bigint, end: bigint, depth: number): fc.Arbitrary<PrintableNode[]> {
  if (depth === 9) return fc.constant([])
  return fc.uniqueArray(fc.bigInt({ min: start, max: end }), { maxLength: 6 }).chain((cuts) => {
    const sorted = cuts.sort((a, b) => (a < b ? -1 : 1))
    const pairs = sorted.flatMap((low, i) => {
      const high = sorted[i + 1]
      return i % 2 === 0 && high !== undefined && high !== 0n ? [[low, high] as const] : []
    })
    const nodes = pairs.map(([low, high]) =>
      fc.record({
        start: fc.constant(low),
        end: fc.constant(high),
        name: nameOf,
        children: treesIn(low, high, depth + 1),
      }),
    )
    return fc.tuple(...nodes) as fc.Arbitrary<PrintableNode[]>
  })
}

const bare = (nodes: readonly IomemNode[]): PrintableNode[] =>
  nodes.map(({ start, end, name, children }) => ({ start, end, name, children: bare(children) }))

test('Reading what was written gives the same tree', () => {
  const trees = treesIn(0n, 2n ** 64n - 1n, 0).filter((nodes) => nodes.length > 0)
  fc.assert(
    fc.property(trees, (nodes) => {
      const read = readIomem(writeIomem(nodes))
      if (!read.ok) throw new Error(read.error.sentence)
      expect(bare(read.value.nodes)).toEqual(nodes)
    }),
  )
})

test('Reading leniently leaves a valid tree without the tagged nodes', () => {
  const text = readFileSync(new URL('fixtures/sample-b.iomem.txt', import.meta.url), 'utf8')
  const lines = text.split('\n').filter((line) => line !== '')
  fc.assert(
    fc.property(fc.shuffledSubarray(lines, { minLength: 1 }), (some) => {
      const read = readIomem(some.join('\n'), { mode: 'lenient' })
      if (!read.ok) return
      const kept = writeIomem(consistent(read.value.nodes))
      if (kept !== '') expect(readIomem(kept)).toMatchObject({ ok: true })
    }),
  )
})

const consistent = (nodes: readonly IomemNode[]): PrintableNode[] =>
  nodes
    .filter(({ inconsistent }) => inconsistent === undefined)
    .map((node) => ({ ...node, children: consistent(node.children) }))
