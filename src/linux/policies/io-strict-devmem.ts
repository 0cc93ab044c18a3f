import { policy } from '../../machine'

/** CONFIG_IO_STRICT_DEVMEM (4.5, commit 90a545e98126). */
export const ioStrictDevmem = policy({
  name: 'ioStrictDevmem',
  question: 'May a user map what a driver has claimed?',
  initial: 'on',
  values: {
    on: {
      title: 'no: CONFIG_IO_STRICT_DEVMEM=y',
      says: 'Whatever is BUSY is exclusive: new mappings of it are refused, and revoke_iomem() takes the old ones away.',
      source: { file: 'kernel/resource.c', fn: 'resource_is_exclusive', version: '6.12' },
    },
    off: {
      title: 'yes, unless it is EXCLUSIVE',
      says: 'Only claims with IORESOURCE_EXCLUSIVE refuse new mappings, and revoke_iomem() is empty: old mappings stay.',
      source: { file: 'kernel/resource.c', fn: 'revoke_iomem', version: '6.12' },
    },
  },
})
