import { policy } from '../../machine'

/** Whether pci_create_legacy_files() waits for the flag (iomem sheet, W12). */
export const legacyFiles = policy({
  name: 'legacyFiles',
  question: 'May legacy_io and legacy_mem of a bus be created before the late initcall?',
  initial: 'gated',
  values: {
    ungated: {
      title: 'yes (up to 5.11, and linux-next of January 2021)',
      says: 'They are created when the host bridge is registered, as early as level 4.',
      source: { file: 'drivers/pci/pci-sysfs.c', fn: 'pci_create_legacy_files', version: '5.10' },
    },
    gated: {
      title: 'no (5.12+)',
      says: 'Without sysfs_initialized nothing happens; the late initcall makes up for it.',
      source: { file: 'drivers/pci/pci-sysfs.c', fn: 'pci_create_legacy_files', version: '6.12' },
    },
  },
})
