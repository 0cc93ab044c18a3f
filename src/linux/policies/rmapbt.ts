import { policy } from '../../machine'

/** Whether XFS was made with a reverse map (mkfs.xfs -m rmapbt=1). */
export const rmapbt = policy({
  name: 'rmapbt',
  question: 'Can XFS tell which file a block belongs to?',
  initial: 'off',
  values: {
    off: {
      title: 'no (rmapbt=0)',
      says: 'It answers -EOPNOTSUPP when a device reports a failure or its removal.',
      source: {
        file: 'fs/xfs/xfs_notify_failure.c',
        fn: 'xfs_dax_notify_failure',
        version: '6.12',
        evidence: 'recorded',
      },
    },
    on: {
      title: 'yes (rmapbt=1)',
      says: 'It walks the reverse map, file by file.',
      source: {
        file: 'fs/xfs/xfs_notify_failure.c',
        fn: 'xfs_dax_notify_ddev_failure',
        version: '6.12',
        evidence: 'recorded',
      },
    },
  },
})
