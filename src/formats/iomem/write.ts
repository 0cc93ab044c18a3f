import { type IomemNode, MAX_PRINTED_DEPTH, NAMELESS } from './node'

/** What the writer needs of a node. A name may be missing, as `name` of a struct resource may. */
export interface PrintableNode {
  readonly start: bigint
  readonly end: bigint
  readonly name: string | null
  readonly children: readonly PrintableNode[]
}

/**
 * Prints a tree as r_show() does (kernel/resource.c): 8 digits at least, two spaces a level, never
 * more than five levels. The depth is the place in the tree, whatever the nodes say.
 */
export function writeIomem(nodes: readonly PrintableNode[]): string {
  const lines: string[] = []
  for (const { node, depth } of walkIomem(nodes)) {
    const indent = '  '.repeat(Math.min(depth, MAX_PRINTED_DEPTH))
    lines.push(`${indent}${hex8(node.start)}-${hex8(node.end)} : ${node.name ?? NAMELESS}\n`)
  }
  return lines.join('')
}

interface Tree {
  readonly children: readonly Tree[]
}

/** All nodes of a tree in the order of the listing, with their depths; without recursion. */
export function* walkIomem<N extends Tree>(
  nodes: readonly N[],
): Generator<{ node: N; depth: number }> {
  const open = nodes.map((node) => ({ node, depth: 0 })).reverse()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next
    const children = next.node.children as readonly N[]
    for (const node of children.toReversed()) open.push({ node, depth: next.depth + 1 })
  }
}

const hex8 = (address: bigint): string => address.toString(16).padStart(8, '0')

/** A node in the form that the terminal prints. */
export interface IomemJson {
  /** "0x…", without padding. */
  readonly start: string
  readonly end: string
  readonly name: string
  readonly children: IomemJson[]
}

/** Recursion is bounded: a tree that was read has at most MAX_IOMEM_DEPTH levels. */
export const iomemJson = ({ start, end, name, children }: IomemNode): IomemJson => ({
  start: `0x${start.toString(16)}`,
  end: `0x${end.toString(16)}`,
  name,
  children: children.map(iomemJson),
})
