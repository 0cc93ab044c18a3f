import type { NodeSeed } from '../iomem-machine'
import { nestSeeds, type SeedRow } from '../pmem-machine'

/**
 * The iomem tree of the QEMU q35 machine on which /dev/mem was recorded (Debian 6.12.117), no PCI
 * driver bound: flags and descriptor as a kernel module printed them.
 */
const ROWS: readonly SeedRow[] = [
  [0, 0x0, 0xfff, 0x80000200, 'RESERVED', 'Reserved'],
  [0, 0x1000, 0x9fbff, 0x81000200, 'NONE', 'System RAM'],
  [0, 0x9fc00, 0x9ffff, 0x80000200, 'RESERVED', 'Reserved'],
  [0, 0xa0000, 0xbffff, 0x200201, 'NONE', 'PCI Bus 0000:00'],
  [0, 0xc0000, 0xc05ff, 0x80004200, 'NONE', 'Video ROM'],
  [0, 0xf0000, 0xfffff, 0x80000200, 'RESERVED', 'Reserved'],
  [1, 0xf0000, 0xfffff, 0x80004200, 'NONE', 'System ROM'],
  [0, 0x100000, 0x3ffdffff, 0x81000200, 'NONE', 'System RAM'],
  [1, 0x1000000, 0x1ffffff, 0x81000200, 'NONE', 'Kernel code'],
  [1, 0x2000000, 0x2b70fff, 0x81000200, 'NONE', 'Kernel rodata'],
  [1, 0x2c00000, 0x2e70f7f, 0x81000200, 'NONE', 'Kernel data'],
  [1, 0x3736000, 0x3bfffff, 0x81000200, 'NONE', 'Kernel bss'],
  [0, 0x3ffe0000, 0x3fffffff, 0x200, 'RESERVED', 'Reserved'],
  [0, 0x40000000, 0xafffffff, 0x200201, 'NONE', 'PCI Bus 0000:00'],
  [0, 0xb0000000, 0xbfffffff, 0x80000200, 'NONE', 'PCI ECAM 0000 [bus 00-ff]'],
  [1, 0xb0000000, 0xbfffffff, 0x200, 'RESERVED', 'Reserved'],
  [2, 0xb0000000, 0xbfffffff, 0x200, 'RESERVED', 'pnp 00:05'],
  [0, 0xc0000000, 0xfebfffff, 0x200201, 'NONE', 'PCI Bus 0000:00'],
  [1, 0xfe900000, 0xfe9fffff, 0x40200, 'NONE', '0000:00:02.0'],
  [1, 0xfea00000, 0xfea1ffff, 0x40200, 'NONE', '0000:00:03.0'],
  [1, 0xfea20000, 0xfea20fff, 0x40200, 'NONE', '0000:00:01.0'],
  [1, 0xfea21000, 0xfea21fff, 0x40200, 'NONE', '0000:00:1f.2'],
  [1, 0xfeb00000, 0xfebfffff, 0x14220c, 'NONE', '0000:00:01.0'],
  [0, 0xfec00000, 0xfec003ff, 0x80000200, 'NONE', 'IOAPIC 0'],
  [0, 0xfed00000, 0xfed003ff, 0x200, 'NONE', 'HPET 0'],
  [1, 0xfed00000, 0xfed003ff, 0x200, 'NONE', 'PNP0103:00'],
  [0, 0xfed1c000, 0xfed1ffff, 0x200, 'RESERVED', 'Reserved'],
  [0, 0xfffc0000, 0xffffffff, 0x200, 'RESERVED', 'Reserved'],
  [0, 0x100000000, 0x8ffffffff, 0x200201, 'NONE', 'PCI Bus 0000:00'],
  [0, 0xfd00000000, 0xffffffffff, 0x200, 'RESERVED', 'Reserved'],
]

export const qemuQ35Edu = nestSeeds(ROWS)

/** BAR 0 of QEMU’s “edu” device, which no driver knows, and of its e1000. */
export const EDU_BAR = 0xfe900000
export const E1000_BAR = { start: 0xfea00000, end: 0xfea1ffff } as const

const sysfs = (device: string) => `/sys/bus/pci/devices/${device}/resource0`

export const EDU_RESOURCE0 = sysfs('0000:00:02.0')
export const E1000_RESOURCE0 = sysfs('0000:00:03.0')

/** Its files of I/O memory. */
export const qemuQ35EduNodes: readonly NodeSeed[] = [
  { path: '/dev/mem', kind: 'mem' },
  { path: EDU_RESOURCE0, kind: 'resource', bar: EDU_BAR },
  { path: E1000_RESOURCE0, kind: 'resource', bar: E1000_BAR.start },
]
