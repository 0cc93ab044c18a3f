import { IORESOURCE } from '../../linux/include/ioport'
import { PAGE_SIZE } from '../../linux/include/mm'
import type { Kernel } from '../../linux/kernel'
import { childrenOf, IOMEM_RESOURCE } from '../../linux/kernel/resource-tree'
import type { Target } from '../../machine'

/** A node of the iomem tree, or the place that a claim has left. */
export interface RangeView {
  readonly target: Target
  readonly depth: number
  readonly name: string
  readonly start: number
  /** Inclusive. */
  readonly end: number
  readonly busy: boolean
  /** A namespace without a driver: nobody owns the range. */
  readonly released: boolean
  /** Smaller neighbours that are not drawn. */
  readonly folded: number
}

/** Ranges that are drawn at most; the rest are counted. */
const MAX_DRAWN = 7

/** The tree in the order of its addresses, the most interesting ranges where there are many. */
export function selectWhere(k: Kernel, focus: number): RangeView[] {
  const root = k.resources.isLive(focus) ? focus : IOMEM_RESOURCE
  if (!k.resources.isLive(root)) return []
  const all = [...walk(k, root), ...released(k)].sort(
    (a, b) => a.start - b.start || a.depth - b.depth,
  )
  return folded(all, k)
}

function walk(k: Kernel, root: number): RangeView[] {
  const found: RangeView[] = []
  const open = childrenOf(k, k.resources.at(root))
    .map((node) => ({ node, depth: 0 }))
    .reverse()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next
    const { id, name, start, end, flags } = node
    const busy = (flags & IORESOURCE.busy) !== 0
    found.push({
      target: { kind: 'resource', id },
      depth,
      name,
      start,
      end,
      busy,
      released: false,
      folded: 0,
    })
    const below = childrenOf(k, node).map((child) => ({ node: child, depth: depth + 1 }))
    for (const child of below.reverse()) open.push(child)
  }
  return found
}

/** Where a namespace was claimed, and is not any more. */
const released = (k: Kernel): RangeView[] =>
  k.namespaces
    .rows()
    .filter(({ resource }) => resource === 0)
    .map(({ id, name, start, end }) => ({
      target: { kind: 'namespace', id, key: 0 },
      depth: 1,
      name,
      start: start * PAGE_SIZE,
      end: end * PAGE_SIZE - 1,
      busy: false,
      released: true,
      folded: 0,
    }))

/** Keeps the ranges that matter most, in order, and notes at each how many are left out before it. */
function folded(all: readonly RangeView[], k: Kernel): RangeView[] {
  if (all.length <= MAX_DRAWN) return [...all]
  const ranked = all
    .map((range, i) => ({ i, rank: rank(range, k) }))
    .sort((a, b) => b.rank - a.rank || a.i - b.i)
  const kept = new Set(ranked.slice(0, MAX_DRAWN).map(({ i }) => i))
  const drawn: RangeView[] = []
  let skipped = 0
  all.forEach((range, i) => {
    if (!kept.has(i)) skipped += 1
    else {
      drawn.push({ ...range, folded: skipped })
      skipped = 0
    }
  })
  return skipped === 0 ? drawn : [...drawn, tail(skipped)]
}

const tail = (count: number): RangeView => ({
  target: { kind: 'none', id: 0 },
  depth: 0,
  name: '',
  start: 0,
  end: 0,
  busy: false,
  released: false,
  folded: count,
})

/** What this machine is about, as addresses: namespaces, and BARs that files map. Ends are inclusive. */
const subjects = (k: Kernel): readonly { readonly start: number; readonly end: number }[] => [
  ...k.namespaces
    .rows()
    .map(({ start, end }) => ({ start: start * PAGE_SIZE, end: end * PAGE_SIZE - 1 })),
  ...k.iomemNodes.rows().flatMap(({ bar }) => (bar === 0 ? [] : [k.resources.at(bar)])),
]

/** What overlaps a subject comes first, then what is large. */
function rank({ start, end, released: isReleased, depth }: RangeView, k: Kernel): number {
  const near = subjects(k).some((each) => start <= each.end && end >= each.start)
  return (isReleased ? 2000 : near ? 1000 : 0) + Math.log2(end - start + 2) - 8 * depth
}
