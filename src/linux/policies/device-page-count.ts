import { policy } from '../../machine'

/** How pages count that a driver hands out (dax sheet §0.3 and §1.7). */
export const devicePageCount = policy({
  name: 'devicePageCount',
  question: 'What does a page of memory that is migrated to count while nobody uses it?',
  initial: 'zero',
  values: {
    extra: {
      title: '1, and its user one more (up to 5.17)',
      says: 'Idle is _refcount 1, as on every page of a device; whoever is handed the page takes a second reference.',
      source: { file: 'lib/test_hmm.c', fn: 'dmirror_devmem_alloc_page', version: '5.10' },
    },
    reset: {
      title: '1, which its user takes over (5.18 to 6.0)',
      says: 'A free page and a page in use both count 1: nobody can tell them apart, and removal waits for neither.',
      source: {
        file: 'mm/memremap.c',
        fn: 'free_zone_device_page',
        version: '5.18',
        evidence: 'deduced',
        note: 'From the commits 27674ef6c73f (5.18) and ef233450898f (6.1), not from the source of these releases.',
      },
    },
    zero: {
      title: '0, and each page in use holds the pgmap (6.1+)',
      says: 'Idle is _refcount 0. Who hands the page out takes a reference of the pgmap, which removal waits for.',
      source: { file: 'mm/memremap.c', fn: 'zone_device_page_init', version: '6.12' },
    },
  },
})
