import { breakLayoutsOf } from '../break-layouts'
import { punchArgs, shrinkOf, truncateArgs } from '../shrink'

export const ext4_break_layouts = breakLayoutsOf({
  name: 'ext4_break_layouts',
  sleeper: 'ext4_break_layouts',
  source: { file: 'fs/ext4/inode.c', fn: 'ext4_break_layouts', version: '6.12' },
  lock: 'invalidate_lock',
})

const shared = {
  fileSystem: 'ext4',
  iolock: 'i_rwsem',
  mmaplock: 'invalidate_lock',
  breakLayouts: ext4_break_layouts,
} as const

/** Truncate on ext4. */
export const ext4_setattr = shrinkOf({
  ...shared,
  name: 'ext4_setattr',
  does: 'Truncates the file, and gives its blocks back.',
  source: { file: 'fs/ext4/inode.c', fn: 'ext4_setattr', version: '6.12' },
  leftOut: 'Zeroing of a partial page, direct I/O on the file itself, the journal.',
  via: ['notify_change', 'do_truncate', 'vfs_truncate', '__x64_sys_truncate'],
  label: 'Truncate to 0',
  args: (k, { id }) => truncateArgs(k, id, 0),
  freer: 'ext4_truncate',
})

/** The punch of a hole on ext4. */
export const ext4_punch_hole = shrinkOf({
  ...shared,
  name: 'ext4_punch_hole',
  does: 'Punches a hole into the file, and gives its blocks back.',
  source: { file: 'fs/ext4/inode.c', fn: 'ext4_punch_hole', version: '6.12' },
  leftOut: 'Zeroing of partial pages, the journal.',
  via: ['ext4_fallocate', 'vfs_fallocate', '__x64_sys_fallocate'],
  label: 'Punch a hole of 16 KiB',
  args: (k, { id }) => punchArgs(k, id, 0, 4),
  freer: 'ext4_ext_remove_space',
})
