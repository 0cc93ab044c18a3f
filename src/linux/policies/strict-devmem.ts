import { policy } from '../../machine'

/** CONFIG_STRICT_DEVMEM (lib/Kconfig.debug). */
export const strictDevmem = policy({
  name: 'strictDevmem',
  question: 'Does /dev/mem filter which pages a user may see?',
  initial: 'on',
  values: {
    on: {
      title: 'CONFIG_STRICT_DEVMEM=y',
      says: 'RAM is refused, the first megabyte of it reads as zeros, and exclusive ranges are refused.',
      source: { file: 'drivers/char/mem.c', fn: 'page_is_allowed', version: '6.12' },
    },
    off: {
      title: 'CONFIG_STRICT_DEVMEM=n',
      says: 'read() and write() reach everything below high_memory; mmap() of RAM is refused by PAT alone, with -EINVAL.',
      source: { file: 'arch/x86/mm/pat/memtype.c', fn: 'range_is_allowed', version: '6.12' },
    },
  },
})
