import { IORESOURCE } from '../linux/include/ioport'
import type { IomemNode } from './iomem'

/** Names of nodes that firmware or a bus made, which nobody claimed (iomem sheet §1.4). */
const NOT_CLAIMED = [
  /^Reserved$/,
  /^Soft Reserved$/,
  /^Persistent Memory/,
  /^PCI Bus /,
  /^CXL Window /,
  /^region\d+$/,
  /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/,
  /^pnp /,
]

/** Names of what is claimed also if it has children. PCI ECAM: drivers/pci/ecam.c sets BUSY. */
const CLAIMED = [/^System RAM/, /^Kernel /, /^ACPI /, /^PCI (ECAM|MMCONFIG) /]

/** Ranges of the firmware's map are inserted BUSY below 1 MiB (arch/x86/kernel/e820.c, do_mark_busy). */
const FIRMWARE = [/^Reserved$/, /^Soft Reserved$/, /^Persistent Memory/]
const ONE_MIB = 0x100000n

const RAM = [/^System RAM/, /^Kernel /]
/** "System RAM (kmem)": hot-added by add_memory_driver_managed() (mm/memory_hotplug.c). */
const DRIVER_RAM = /^System RAM \(/

const matches = (patterns: readonly RegExp[], name: string): boolean =>
  patterns.some((pattern) => pattern.test(name))

/**
 * IORESOURCE_* flags that a node probably has, as an unsigned word. /proc/iomem does not print
 * them: this follows from names, and from a leaf being somebody's claim (iomem sheet §1.1, §1.4),
 * so say that it is inferred wherever it is shown. Leaves out what no name tells: bits of bus windows
 * and BARs, and whether an ACPI device's own range is claimed.
 */
export function inferFlags(node: Pick<IomemNode, 'name' | 'start' | 'children'>): number {
  const { name } = node
  const flags =
    IORESOURCE.mem |
    (isClaimed(node) ? IORESOURCE.busy : 0) |
    (isRam(node) ? IORESOURCE.sysram : 0) |
    (DRIVER_RAM.test(name) ? IORESOURCE.sysram_driver_managed : 0) |
    (name.startsWith('PCI Bus ') ? IORESOURCE.window : 0) |
    (/ ROM$/.test(name) ? IORESOURCE.readonly : 0)
  return flags >>> 0
}

function isClaimed({
  name,
  start,
  children,
}: Pick<IomemNode, 'name' | 'start' | 'children'>): boolean {
  if (matches(CLAIMED, name)) return true
  if (matches(FIRMWARE, name)) return start < ONE_MIB
  return children.length === 0 && !matches(NOT_CLAIMED, name)
}

/** The container that kmem makes carries the flag of its RAM (drivers/dax/kmem.c, dev_dax_kmem_probe). */
const isRam = ({ name, children }: Pick<IomemNode, 'name' | 'children'>): boolean =>
  matches(RAM, name) || children.some((child) => DRIVER_RAM.test(child.name))
