import { policy } from '../../machine'

/** Whether gup holds a pgmap reference while it takes a page (dax sheet §4.7). */
export const gupPgmap = policy({
  name: 'gupPgmap',
  question: 'Does gup hold a reference of the pgmap while it takes a page of a device?',
  initial: 'takes',
  values: {
    takes: {
      title: 'yes (up to 6.16)',
      says: 'get_dev_pagemap() fails once the pgmap is dying, and the struct page is not touched.',
      source: { file: 'mm/gup.c', fn: 'gup_fast_pte_range', version: '6.12' },
    },
    none: {
      title: 'no (proposed in 2021, 6.17+)',
      says: 'The second look at the entry is all there is: it needs every entry cleared before the struct pages go.',
      source: { file: 'mm/gup.c', fn: 'gup_fast_pte_range', version: '6.17', evidence: 'memory' },
    },
  },
})
