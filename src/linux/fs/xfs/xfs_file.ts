import { breakLayoutsOf } from '../break-layouts'
import { punchArgs, shrinkOf, truncateArgs } from '../shrink'

export const xfs_break_layouts = breakLayoutsOf({
  name: 'xfs_break_layouts',
  sleeper: 'xfs_break_dax_layouts',
  source: {
    file: 'fs/xfs/xfs_inode.c',
    fn: 'xfs_break_layouts',
    version: '6.12',
    evidence: 'recorded',
  },
  lock: 'MMAPLOCK',
})

const shared = {
  fileSystem: 'xfs',
  iolock: 'IOLOCK',
  mmaplock: 'MMAPLOCK',
  breakLayouts: xfs_break_layouts,
} as const

/** Truncate on XFS. */
export const xfs_vn_setattr = shrinkOf({
  ...shared,
  name: 'xfs_vn_setattr',
  does: 'Truncates the file, and gives its blocks back.',
  source: {
    file: 'fs/xfs/xfs_iops.c',
    fn: 'xfs_vn_setattr',
    version: '6.12',
    evidence: 'recorded',
  },
  leftOut:
    'Zeroing of a partial page, direct I/O on the file itself, the log and its busy extents.',
  via: ['notify_change', 'do_truncate', 'vfs_truncate', '__x64_sys_truncate'],
  label: 'Truncate to 0',
  args: (k, { id }) => truncateArgs(k, id, 0),
  freer: 'xfs_itruncate_extents',
})

/** The punch of a hole on XFS. */
export const xfs_file_fallocate = shrinkOf({
  ...shared,
  name: 'xfs_file_fallocate',
  does: 'Punches a hole into the file, and gives its blocks back.',
  source: {
    file: 'fs/xfs/xfs_file.c',
    fn: 'xfs_file_fallocate',
    version: '6.12',
    evidence: 'recorded',
  },
  leftOut: 'Zeroing of partial pages, the other modes of fallocate, the log.',
  via: ['vfs_fallocate', '__x64_sys_fallocate'],
  label: 'Punch a hole of 16 KiB',
  args: (k, { id }) => punchArgs(k, id, 0, 4),
  freer: 'xfs_free_file_space',
})
