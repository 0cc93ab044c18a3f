import { policy } from '../../machine'

/** What remove() does about the entries and references of its pages, in the small gup-fast model. */
export const removalZap = policy({
  name: 'removalZap',
  question: 'Does remove() clear the page table entry, and wait for the page?',
  initial: 'zap',
  values: {
    zap: {
      title: 'zap, then wait for page and pgmap',
      says: 'The entry goes first, so that no new reference can be taken while remove() waits for the old ones.',
    },
    leave: {
      title: 'leave the entry, wait for the pgmap alone',
      says: 'As on a real 6.12 with fs-dax: nobody clears the entry, and a page reference is not awaited.',
      source: {
        file: 'mm/memremap.c',
        fn: 'memunmap_pages',
        version: '6.12',
        evidence: 'recorded',
      },
    },
  },
})
