import { policy } from '../../machine'

/** When the mapping of a mappable sysfs file is known (iomem sheet §3.5). */
export const sysfsMapping = policy({
  name: 'sysfsMapping',
  question: 'When does a sysfs file of a BAR get the mapping that can be revoked?',
  initial: 'atOpen',
  values: {
    none: {
      title: 'never (up to 5.11)',
      says: 'The file has a mapping of its own, which revoke_iomem() does not look at.',
      source: { file: 'drivers/pci/pci-sysfs.c', fn: 'pci_create_attr', version: '5.10' },
    },
    atCreation: {
      title: 'when it is created (5.12 to 5.14)',
      says: 'iomem_get_mapping() is called then and there: before iomem_inode exists, that is a NULL pointer.',
      source: { file: 'drivers/pci/pci-sysfs.c', fn: 'pci_create_attr', version: '5.12' },
    },
    atOpen: {
      title: 'when it is opened (5.15+)',
      says: 'The attribute holds the function, and sysfs_kf_bin_open() calls it: after boot.',
      source: { file: 'fs/sysfs/file.c', fn: 'sysfs_kf_bin_open', version: '6.12' },
    },
  },
})
