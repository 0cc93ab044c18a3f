import { policy } from '../../machine'

/** Rule X1 of the iomem sheet, §2.1. */
export const exclusiveRam = policy({
  name: 'exclusiveRam',
  question:
    'Is RAM that is marked EXCLUSIVE refused even if it is not BUSY, and with iomem=relaxed?',
  initial: 'on',
  values: {
    on: {
      title: 'yes (5.16)',
      says: 'virtio-mem plugs and unplugs memory inside such a range: nobody may look at it.',
      source: { file: 'kernel/resource.c', fn: 'resource_is_exclusive', version: '6.12' },
    },
    off: {
      title: 'no',
      says: 'EXCLUSIVE counts only together with BUSY.',
      source: { file: 'kernel/resource.c', fn: 'iomem_is_exclusive', version: '5.15' },
    },
  },
})
