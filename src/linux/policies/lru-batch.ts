import { policy } from '../../machine'

/** How many pages a per-CPU LRU batch takes (pins sheet §1.8). */
export const lruBatch = policy({
  name: 'lruBatch',
  question: 'How many pages wait in a per-CPU LRU batch before it drains itself?',
  initial: '31',
  values: {
    '14': {
      title: '14 (4.14)',
      says: 'PAGEVEC_SIZE of 4.14.',
      source: { file: 'include/linux/pagevec.h', fn: 'PAGEVEC_SIZE', version: '4.14' },
    },
    '15': {
      title: '15 (4.15 to 6.8)',
      says: 'PAGEVEC_SIZE.',
      source: { file: 'include/linux/pagevec.h', fn: 'PAGEVEC_SIZE', version: '6.1' },
    },
    '31': {
      title: '31 (6.9+)',
      says: 'PAGEVEC_SIZE of struct folio_batch.',
      source: { file: 'include/linux/pagevec.h', fn: 'PAGEVEC_SIZE', version: '6.12' },
    },
  },
})
