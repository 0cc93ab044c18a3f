import { type IomemSeed, nestSeeds, type SeedRow } from '../pmem-machine'

/**
 * The iomem tree of the QEMU q35 machine on which the recordings were made (Debian 6.12.117, booted
 * with a memmap= range of persistent memory), without what the pmem driver claims: depth, first and
 * last address, flags and descriptor as a kernel module printed them, name.
 */
const ROWS: readonly SeedRow[] = [
  [0, 0x0, 0xfff, 0x80000200, 'RESERVED', 'Reserved'],
  [0, 0x1000, 0x9fbff, 0x81000200, 'NONE', 'System RAM'],
  [0, 0x9fc00, 0x9ffff, 0x80000200, 'RESERVED', 'Reserved'],
  [0, 0xa0000, 0xbffff, 0x200201, 'NONE', 'PCI Bus 0000:00'],
  [0, 0xc0000, 0xc05ff, 0x80004200, 'NONE', 'Video ROM'],
  [0, 0xf0000, 0xfffff, 0x80000200, 'RESERVED', 'Reserved'],
  [1, 0xf0000, 0xfffff, 0x80004200, 'NONE', 'System ROM'],
  [0, 0x100000, 0x5fffffff, 0x81000200, 'NONE', 'System RAM'],
  [1, 0x1000000, 0x1ffffff, 0x81000200, 'NONE', 'Kernel code'],
  [1, 0x2000000, 0x2b70fff, 0x81000200, 'NONE', 'Kernel rodata'],
  [1, 0x2c00000, 0x2e70f7f, 0x81000200, 'NONE', 'Kernel data'],
  [1, 0x3736000, 0x3bfffff, 0x81000200, 'NONE', 'Kernel bss'],
  [0, 0x60000000, 0x8fffffff, 0x200, 'PERSISTENT_MEMORY_LEGACY', 'Persistent Memory (legacy)'],
  [0, 0x90000000, 0x9ffdffff, 0x81000200, 'NONE', 'System RAM'],
  [0, 0x9ffe0000, 0x9fffffff, 0x200, 'RESERVED', 'Reserved'],
  [0, 0xa0000000, 0xafffffff, 0x200201, 'NONE', 'PCI Bus 0000:00'],
  [0, 0xb0000000, 0xbfffffff, 0x80000200, 'NONE', 'PCI ECAM 0000 [bus 00-ff]'],
  [1, 0xb0000000, 0xbfffffff, 0x200, 'RESERVED', 'Reserved'],
  [2, 0xb0000000, 0xbfffffff, 0x200, 'RESERVED', 'pnp 00:05'],
  [0, 0xc0000000, 0xfebfffff, 0x200201, 'NONE', 'PCI Bus 0000:00'],
  [1, 0xfebff000, 0xfebfffff, 0x40200, 'NONE', '0000:00:1f.2'],
  [0, 0xfec00000, 0xfec003ff, 0x80000200, 'NONE', 'IOAPIC 0'],
  [0, 0xfed00000, 0xfed003ff, 0x200, 'NONE', 'HPET 0'],
  [1, 0xfed00000, 0xfed003ff, 0x200, 'NONE', 'PNP0103:00'],
  [0, 0xfed1c000, 0xfed1ffff, 0x200, 'RESERVED', 'Reserved'],
  [0, 0xfffc0000, 0xffffffff, 0x200, 'RESERVED', 'Reserved'],
  [0, 0x100000000, 0x8ffffffff, 0x200201, 'NONE', 'PCI Bus 0000:00'],
  [0, 0xfd00000000, 0xffffffffff, 0x200, 'RESERVED', 'Reserved'],
]

export const qemuQ35Pmem: readonly IomemSeed[] = nestSeeds(ROWS)

/** Its one namespace, as `ndctl list` names it: [start, end) in page frames. */
export const qemuNamespace = { name: 'namespace0.0', start: 0x60000, end: 0x90000 } as const
