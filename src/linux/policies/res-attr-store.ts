import { policy } from '../../machine'

/** When pci_create_attr() stores the pointer (iomem sheet §3.2). */
export const resAttrStore = policy({
  name: 'resAttrStore',
  question: 'When does pci_create_attr() store its pointer in res_attr[]?',
  initial: 'afterCreate',
  values: {
    beforeCreate: {
      title: 'before the file is created',
      says: 'Where creating fails, the attribute is freed and the pointer stays: the unwinding frees it again.',
      source: { file: 'drivers/pci/pci-sysfs.c', fn: 'pci_create_attr', version: '5.10' },
    },
    afterCreate: {
      title: 'after that succeeded (6.2, and stable)',
      says: 'A failed creator leaves no pointer of its own; it still unwinds by those of the other.',
      source: { file: 'drivers/pci/pci-sysfs.c', fn: 'pci_create_attr', version: '6.12' },
    },
  },
})
