import { IORESOURCE } from '../linux/include/ioport'
import type { IomemNode } from './iomem'

/** Names whose nodes are not claims: firmware and buses made them (iomem sheet §1.4). */
const NOT_BUSY = [
  /^Reserved$/,
  /^Soft Reserved$/,
  /^Persistent Memory/,
  /^PCI Bus /,
  /^PCI (ECAM|MMCONFIG) /,
  /^CXL Window /,
  /^region\d+$/,
  /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/,
  /^pnp /,
]

/** Names of what is claimed although it has children. */
const BUSY = [/^System RAM$/, /^Kernel /, /^ACPI /]

const RAM = [/^System RAM$/, /^Kernel /, /^Crash kernel$/]

const matches = (patterns: readonly RegExp[], name: string): boolean =>
  patterns.some((pattern) => pattern.test(name))

/**
 * Flags that a node probably has. /proc/iomem does not print them; what is here follows from names,
 * and from a leaf being somebody's claim, so the page calls it an inference.
 */
export function inferFlags({ name, children }: Pick<IomemNode, 'name' | 'children'>): number {
  const isLeaf = children.length === 0
  const busy = matches(BUSY, name) || (isLeaf && !matches(NOT_BUSY, name))
  const ram = matches(RAM, name)
  const window = name.startsWith('PCI Bus ')
  return (
    IORESOURCE.mem |
    (busy ? IORESOURCE.busy : 0) |
    (ram ? IORESOURCE.sysram : 0) |
    (window ? IORESOURCE.window : 0)
  )
}
