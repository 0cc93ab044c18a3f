import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Edit, unifiedDiff } from './unified-diff'

const textOf = (edits: readonly Edit[], without: Edit['kind']): string[] =>
  edits.filter(({ kind }) => kind !== without).map(({ text }) => text)

/** As patch(1): takes what the hunks say off a text, and puts what they say in its place. */
function patched(lines: readonly string[], diff: string): string[] {
  const result: string[] = []
  let next = 0
  for (const hunk of diff.split(/^@@ /m).slice(1)) {
    const [head = '', ...body] = hunk.trimEnd().split('\n')
    const [, from = '', count = '1', , added = '1'] =
      /^-(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(head) ?? []
    const start = Number(count) === 0 ? Number(from) : Number(from) - 1
    result.push(...lines.slice(next, start))
    const taken = body.filter((line) => !line.startsWith('+')).map((line) => line.slice(1))
    expect(taken).toEqual(lines.slice(start, start + Number(count)))
    const given = body.filter((line) => !line.startsWith('-')).map((line) => line.slice(1))
    expect(given).toHaveLength(Number(added))
    result.push(...given)
    next = start + Number(count)
  }
  return [...result, ...lines.slice(next)]
}

describe('a unified diff', () => {
  it('is what diff -u prints: headers, hunks with three lines of context', () => {
    const edits: Edit[] = [...'abcdefghijkl'].map((text) => ({ kind: ' ', text }))
    edits.splice(5, 1, { kind: '-', text: 'f' }, { kind: '+', text: 'F' })
    expect(unifiedDiff('old', 'new', edits)).toBe(
      '--- old\n+++ new\n@@ -3,7 +3,7 @@\n c\n d\n e\n-f\n+F\n g\n h\n i\n',
    )
  })

  it('counts a text without lines from 0, and says nothing of one line', () => {
    expect(unifiedDiff('a', 'b', [{ kind: '+', text: 'x' }])).toBe(
      '--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n',
    )
  })

  it('is nothing where nothing differs', () => {
    expect(unifiedDiff('a', 'b', [{ kind: ' ', text: 'x' }])).toBe('')
  })

  it('makes one text of the other, whatever they are', () => {
    const kind = fc.constantFrom<Edit['kind']>(' ', ' ', ' ', ' ', ' ', ' ', '-', '+')
    const edit = fc.record({ kind, text: fc.constantFrom('a', 'b', 'c d') })
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 60 }), (edits) => {
        const diff = unifiedDiff('a', 'b', edits)
        expect(patched(textOf(edits, '+'), diff)).toEqual(textOf(edits, '-'))
      }),
    )
  })
})
