import { policy } from '../../machine'

/** What a page of DAX says while several files share its block (dax sheet §2.4). */
export const daxReflink = policy({
  name: 'daxReflink',
  question: 'What does a page of DAX say whose block several files share?',
  initial: 'sentinel',
  values: {
    sentinel: {
      title: 'mapping is 1, and it counts them (6.0 to 6.14)',
      says: 'The first sharer puts PAGE_MAPPING_DAX_SHARED into mapping; the place of index counts the files, from 6.3 on under the name share.',
      source: { file: 'fs/dax.c', fn: 'dax_page_share_get', version: '6.12' },
    },
    nullMapping: {
      title: 'mapping is NULL, and it counts them (6.15+)',
      says: 'The first file is in mapping as ever; with the second, mapping becomes NULL, and share counts both.',
      source: { file: 'fs/dax.c', fn: 'dax_folio_make_shared', version: '6.15' },
    },
    refused: {
      title: 'there are none: reflink is refused (up to 5.19)',
      says: 'XFS has either DAX or reflink: FICLONE gives -EOPNOTSUPP.',
      source: { file: 'fs/xfs/xfs_super.c', fn: 'xfs_fs_fill_super', version: '5.10' },
    },
  },
})
