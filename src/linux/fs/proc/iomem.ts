import type { Kernel } from '../../kernel'
import { childrenOf, IOMEM_RESOURCE } from '../../kernel/resource'

/** MAX_IORES_LEVEL: deeper nodes are printed at this level as well. */
const MAX_LEVEL = 5

const hex8 = (address: number): string => address.toString(16).padStart(8, '0')

/** What /proc/iomem prints to root: r_show() over the whole tree (kernel/resource.c). */
export function proc_iomem(k: Kernel): string {
  const lines: string[] = []
  const root = k.resources.at(IOMEM_RESOURCE)
  const open = childrenOf(k, root)
    .map((node) => ({ node, level: 0 }))
    .reverse()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, level } = next
    const indent = '  '.repeat(Math.min(level, MAX_LEVEL))
    lines.push(`${indent}${hex8(node.start)}-${hex8(node.end)} : ${node.name || '<BAD>'}\n`)
    const below = childrenOf(k, node).map((child) => ({ node: child, level: level + 1 }))
    open.push(...below.reverse())
  }
  return lines.join('')
}
