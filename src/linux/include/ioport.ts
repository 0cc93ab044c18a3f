import { bits, choice, flags, ref, struct, text, wide } from '../../arena'

/**
 * IORESOURCE_*: include/linux/ioport.h; the stored word is the kernel's. Bits 0 to 7 are the bus's
 * own. IORESOURCE_REG is io and mem together.
 */
export const IORESOURCE = flags({
  io: 8,
  mem: 9,
  irq: 10,
  dma: 11,
  bus: 12,
  prefetch: 13,
  readonly: 14,
  cacheable: 15,
  rangelength: 16,
  shadowable: 17,
  sizealign: 18,
  startalign: 19,
  mem64: 20,
  window: 21,
  muxed: 22,
  sysram: 24,
  sysram_driver_managed: 25,
  sysram_mergeable: 26,
  exclusive: 27,
  disabled: 28,
  unset: 29,
  auto: 30,
  busy: 31,
})

/** IORES_DESC_* in the order of their values. */
export const IORES_DESC = [
  'NONE',
  'CRASH_KERNEL',
  'ACPI_TABLES',
  'ACPI_NV_STORAGE',
  'PERSISTENT_MEMORY',
  'PERSISTENT_MEMORY_LEGACY',
  'DEVICE_PRIVATE_MEMORY',
  'RESERVED',
  'SOFT_RESERVED',
  'CXL',
] as const

/** struct resource: a node of the iomem tree. Row 1 is iomem_resource, the root that is never printed. */
export const Resource = struct('resource', {
  name: text('As /proc/iomem prints it.'),
  start: wide(0, 'First physical address.'),
  end: wide(0, 'Last physical address, inclusive.'),
  flags: bits(IORESOURCE, 'IORESOURCE_* flags.'),
  desc: choice(IORES_DESC, 'IORES_DESC_*.'),
  parent: ref('resource', 'The node that contains this one.'),
  sibling: ref('resource', 'The next node of the same parent, at a higher address.'),
  child: ref('resource', 'The lowest node inside this one.'),
  claim: choice(
    ['none', 'under way', 'returned'],
    'Has the claim of it returned to the driver that asked? Not in the kernel.',
  ),
})
