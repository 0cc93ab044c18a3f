import { policy } from '../../machine'

const source = (version: string) => ({ file: 'arch/x86/mm/pkeys.c', fn: 'write_pkrs', version })

/** Protection keys for pmem; no released kernel has them (PKS sheet §4.3). */
export const pks = policy({
  name: 'pks',
  question: 'How is pmem protected from stray writes of the kernel?',
  initial: 'none',
  values: {
    none: { title: 'not at all', says: 'Ordinary writable entries: every released kernel.' },
    rfc2020: {
      title: 'PKS, RFC 2020',
      says: 'Windows per thread, and global ones that others get lazily, by a fault.',
      source: source('RFC, Oct 2020'),
    },
    v7: {
      title: 'PKS v7, 2021',
      says: 'Windows per thread; the initial value is computed at boot; a fault gives the key up for all.',
      source: source('v7, Aug 2021'),
    },
    v10: {
      title: 'PKS v10, 2022',
      says: 'Windows per thread; a fault opens the key for the thread. The last posting.',
      source: source('v10, Apr 2022'),
    },
  },
})
