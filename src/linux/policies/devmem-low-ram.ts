import { policy } from '../../machine'

/** RAM of the first megabyte (arch/x86/mm/init.c, devmem_is_allowed). */
export const devmemLowRam = policy({
  name: 'devmemLowRam',
  question: 'What does read() of /dev/mem show of RAM in the first megabyte?',
  initial: 'zeros',
  values: {
    allowed: {
      title: 'its bytes (up to 4.10)',
      says: 'The first megabyte is always allowed.',
      source: { file: 'arch/x86/mm/init.c', fn: 'devmem_is_allowed', version: '4.10' },
    },
    zeros: {
      title: 'zeros (4.11)',
      says: 'read() gives zeros and write() drops what it is given; mmap() still maps the real page.',
      source: { file: 'arch/x86/mm/init.c', fn: 'devmem_is_allowed', version: '6.12' },
    },
  },
})
