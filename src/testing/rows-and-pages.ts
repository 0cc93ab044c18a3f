import fc from 'fast-check'
import { int, layOut, struct } from '../arena'

const Row = struct('row', { a: int(), b: int() })
const Page = struct('page', { count: int() })

/** Rows and pages, for tests of what becomes of them. */
export function rowsAndPages() {
  const heap = layOut({ rows: [Row, 24] }, { pages: Page })
  for (let row = 0; row < 20; row++) heap.tables.rows.make()
  heap.ranges.pages.fill(0, 64, { count: 0 })
  heap.arena.journal.length = 0
  return heap
}

type Heap = ReturnType<typeof rowsAndPages>

/** A change of one field, to few values or to many. */
export const change = fc.oneof(
  fc.record({
    kind: fc.constant('row' as const),
    row: fc.integer({ min: 1, max: 20 }),
    to: fc.integer({ min: -2, max: 2 }),
  }),
  fc.record({
    kind: fc.constant('page' as const),
    row: fc.integer({ min: 0, max: 63 }),
    to: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({
    kind: fc.constant('many' as const),
    row: fc.constant(3),
    to: fc.integer({ min: 0, max: 70_000 }),
  }),
)

export function apply(
  { tables, ranges }: Heap,
  each: { kind: string; row: number; to: number },
): void {
  if (each.kind === 'page') ranges.pages.at(each.row).count = each.to
  else if (each.kind === 'row') tables.rows.at(each.row).a = each.to
  else tables.rows.at(each.row).b = each.to
}
