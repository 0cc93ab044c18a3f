import type { Kernel } from '../../kernel'
import { childrenOf, IOMEM_RESOURCE } from '../../kernel/resource-tree'

/** MAX_IORES_LEVEL: deeper nodes are printed at this level as well. */
const MAX_LEVEL = 5

const hex8 = (address: number): string => address.toString(16).padStart(8, '0')

/** What r_show() prints of each node, in pre-order (kernel/resource.c); zeros where addresses are not told. */
export function iomemLines(k: Kernel, isTold = true): string[] {
  const lines: string[] = []
  const root = k.resources.at(IOMEM_RESOURCE)
  const open = childrenOf(k, root)
    .map((node) => ({ node, level: 0 }))
    .reverse()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, level } = next
    const indent = '  '.repeat(Math.min(level, MAX_LEVEL))
    const [start, end] = isTold ? [node.start, node.end] : [0, 0]
    lines.push(`${indent}${hex8(start)}-${hex8(end)} : ${node.name || '<BAD>'}\n`)
    const below = childrenOf(k, node).map((child) => ({ node: child, level: level + 1 }))
    open.push(...below.reverse())
  }
  return lines
}

/** What /proc/iomem prints when it is read in one go. */
export const proc_iomem = (k: Kernel, isTold = true): string => iomemLines(k, isTold).join('')
