import { policy } from '../../machine'

/** What truncate does when a block that it frees is still under DMA (dax sheet §3, 2017 thread). */
export const daxTruncate = policy({
  name: 'daxTruncate',
  question: 'A truncated block is still under DMA: does truncate wait?',
  initial: 'wait',
  values: {
    wait: {
      title: 'wait (4.18+)',
      says: 'Truncate unmaps the file, and sleeps until every page is idle.',
      source: { file: 'fs/dax.c', fn: 'dax_layout_busy_page', version: '4.18' },
    },
    ignore: {
      title: 'ignore (up to 4.17)',
      says: 'Truncate frees the block at once; DMA goes on into what may be another file.',
      source: { file: 'fs/dax.c', fn: 'dax_delete_mapping_entry', version: '4.17' },
    },
  },
})
