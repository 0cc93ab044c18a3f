import { policy } from '../../machine'

/** What a driver does about its pages in use when it is unbound. */
export const deviceEvict = policy({
  name: 'deviceEvict',
  question: 'Does a driver bring pages back to memory before its own goes?',
  initial: 'evict',
  values: {
    leave: {
      title: 'no (up to 6.0)',
      says: 'Pages can only be found by the address that maps them: the driver leaves them where they are.',
      source: { file: 'lib/test_hmm.c', fn: 'dmirror_device_remove', version: '5.10' },
    },
    evict: {
      title: 'yes, page by page (6.1+)',
      says: 'migrate_device_range() finds them by pfn, and migrates what is in use to ordinary memory.',
      source: { file: 'lib/test_hmm.c', fn: 'dmirror_device_evict_chunk', version: '6.12' },
    },
  },
})
