import { policy } from '../../machine'

/** How an fs-dax page counts its users (pins sheet §1.6, W19). */
export const daxRefcount = policy({
  name: 'daxRefcount',
  question: 'Does a page table entry of a DAX file count in the page?',
  initial: 'oneBased',
  values: {
    oneBased: {
      title: 'no, and idle is 1 (up to 6.14)',
      says: 'Entries take no reference; _refcount 1 means that the page is free for the file system to reuse.',
      source: { file: 'mm/memremap.c', fn: 'free_zone_device_folio', version: '6.12' },
    },
    counted: {
      title: 'yes, and idle is 0 (6.15+)',
      says: 'Entries count as on any page: idle is _refcount 0.',
      source: { file: 'mm/memremap.c', fn: 'free_zone_device_folio', version: '6.15' },
    },
  },
})
