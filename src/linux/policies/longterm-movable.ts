import { policy } from '../../machine'

/** Whether FOLL_LONGTERM takes pages in ZONE_MOVABLE (pins sheet §3.6). */
export const longtermMovable = policy({
  name: 'longtermMovable',
  question: 'A long-term pin meets a page in ZONE_MOVABLE: what then?',
  initial: 'migrate',
  values: {
    allow: {
      title: 'it is pinned there (5.2 to 5.12)',
      says: 'Memory that was promised to be removable no longer is.',
      source: { file: 'mm/gup.c', fn: 'check_and_migrate_cma_pages', version: '5.12' },
    },
    migrate: {
      title: 'it is migrated first (5.13+)',
      says: 'The page moves to ordinary memory, and the copy is pinned.',
      source: {
        file: 'mm/gup.c',
        fn: 'collect_longterm_unpinnable_folios',
        version: '6.12',
        note: 'The version of the change, 5.13, is from memory.',
      },
    },
  },
})
