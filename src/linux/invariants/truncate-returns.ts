import { endlessWait } from '../endless-waits'
import { alwaysByTask } from '../operation'

const SHRINKS = new Set(['xfs_vn_setattr', 'xfs_file_fallocate', 'ext4_setattr', 'ext4_punch_hole'])

/** L2 of the DAX sheet, §8.2. That pins which follow each other starve it (W10) no single moment shows. */
export const truncateReturns = alwaysByTask({
  name: 'truncateReturns',
  claim: 'A truncate, or the punch of a hole, waits only for what will be let go.',
  sources: [{ file: 'fs/xfs/xfs_inode.c', fn: 'xfs_break_dax_layouts', version: '6.12' }],
  byTask: (k, task) => endlessWait(k, task, SHRINKS),
})
