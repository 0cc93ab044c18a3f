import { policy } from '../../machine'

/** What clear_refs(4) does to pinned pages (pins sheet §2.5). */
export const clearRefs = policy({
  name: 'clearRefs',
  question: 'echo 4 > clear_refs meets a page that may be pinned: does it write-protect the entry?',
  initial: 'skipPinned',
  values: {
    all: {
      title: 'yes (up to 5.10)',
      says: 'Every entry is write-protected.',
      source: { file: 'fs/proc/task_mmu.c', fn: 'clear_soft_dirty', version: '5.10' },
    },
    skipPinned: {
      title: 'no, it is skipped (5.11+)',
      says: 'A writable entry of a maybe pinned page is left alone, and stays soft-dirty. One that gup-fast pins behind the look is write-protected all the same.',
      source: { file: 'fs/proc/task_mmu.c', fn: 'pte_is_pinned', version: '6.12' },
    },
  },
})
