import { policy } from '../../machine'

/** What a file system on pmem hears of the removal of its device (dax sheet §4.3). */
export const filesystem = policy({
  name: 'filesystem',
  question: 'Which file system is on the device, and is it told that the device goes?',
  initial: 'xfs',
  values: {
    xfs: {
      title: 'XFS, rmapbt off',
      says: 'XFS holds the dax_device but cannot find the owners of a block: the notice gets -EOPNOTSUPP, which kill_dax() ignores.',
      source: {
        file: 'fs/xfs/xfs_notify_failure.c',
        fn: 'xfs_dax_notify_failure',
        version: '6.12',
        evidence: 'recorded',
      },
    },
    ext4: {
      title: 'ext4',
      says: 'ext4 registers no holder, so nobody is told.',
      source: {
        file: 'fs/ext4/super.c',
        fn: 'ext4_fill_super',
        version: '6.12',
        evidence: 'deduced',
      },
    },
  },
})
