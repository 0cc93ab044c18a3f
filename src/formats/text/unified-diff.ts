/** A line that both texts have, or one of them alone. */
export interface Edit {
  readonly kind: ' ' | '-' | '+'
  readonly text: string
  /** What a hunk that begins here is headed with. */
  readonly heading?: string
}

/** Equal lines that are shown on either side of a difference. */
const CONTEXT = 3

/** What `diff -u` prints for two texts whose lines are these; nothing where they are the same. */
export function unifiedDiff(from: string, to: string, edits: readonly Edit[]): string {
  const hunks = spans(edits).map(([start, end]) => hunk(edits, start, end))
  return hunks.length === 0 ? '' : [`--- ${from}`, `+++ ${to}`, ...hunks, ''].join('\n')
}

/** Where hunks are: differences with the lines around them; those that touch are one. */
function spans(edits: readonly Edit[]): [start: number, end: number][] {
  const found: [number, number][] = []
  edits.forEach(({ kind }, at) => {
    if (kind === ' ') return
    const last = found.at(-1)
    const start = Math.max(0, at - CONTEXT)
    const end = Math.min(edits.length, at + 1 + CONTEXT)
    if (last !== undefined && start <= last[1]) last[1] = end
    else found.push([start, end])
  })
  return found
}

function hunk(edits: readonly Edit[], start: number, end: number): string {
  const before = edits.slice(0, start)
  const inside = edits.slice(start, end)
  const place = (without: Edit['kind']): string => {
    const count = inside.filter(({ kind }) => kind !== without).length
    const line = before.filter(({ kind }) => kind !== without).length + (count === 0 ? 0 : 1)
    return count === 1 ? `${line}` : `${line},${count}`
  }
  const lines = inside.map(({ kind, text }) => `${kind}${text}`)
  const heading = inside[0]?.heading
  const head = `@@ -${place('+')} +${place('-')} @@`
  return [heading === undefined ? head : `${head} ${heading}`, ...lines].join('\n')
}
