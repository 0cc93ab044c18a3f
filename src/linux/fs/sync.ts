import { ref, wide } from '../../arena'
import { EIO } from '../include/errno'
import { TAG } from '../include/fs'
import type { Kernel } from '../kernel'
import { hasPageCache } from '../mm/filemap'
import { operation } from '../operation'
import { END } from './break-layouts'
import { dax_writeback_mapping_range } from './dax-writeback'
import { absence } from './open-files'

/** The next inode of a file system that has a dirty DAX entry. */
const dirtyInode = (k: Kernel, superBlock: number) =>
  k.inodes.find(
    ({ id, i_sb }) =>
      i_sb === superBlock &&
      k.daxEntries.in(id).find(0, END, ({ marks }) => (marks & TAG.dirty) !== 0) !== undefined,
  )

/** §2.5 of the DAX sheet: what a sync comes to for DAX files. It works on a dead dax_device too. */
export const sync_filesystem = operation({
  name: 'sync_filesystem',
  does: 'Syncs a file system: every dirty file is written back.',
  source: { file: 'fs/sync.c', fn: 'sync_filesystem', version: '6.12', evidence: 'recorded' },
  leftOut: 'Metadata but for whether a file’s blocks are known to the log, and the page cache.',
  params: { superBlock: ref('super_block') },
  entry: 'next',
  steps: {
    next: {
      does: 'The next dirty file; its DAX mappings become read-only. None: force the log out, and done.',
      fn: 'writeback_inodes_sb',
      run(k, t) {
        const inode = dirtyInode(k, t.superBlock)
        if (inode !== undefined) {
          const range = { inode: inode.id, from: 0, to: END }
          return t.call(dax_writeback_mapping_range, range, 'next')
        }
        for (const file of k.inodes.rows()) if (file.i_sb === t.superBlock) file.datasync_dirty = 0
        return t.done()
      },
    },
  },
})

/** fsync(2), and the sync that a fault of a MAP_SYNC mapping asks for (§2.3, row 7). */
export const vfs_fsync_range = operation({
  name: 'vfs_fsync_range',
  does: 'Syncs a stretch of a DAX file: its dirty pages, and then the log.',
  source: { file: 'fs/sync.c', fn: 'vfs_fsync_range', version: '6.12', evidence: 'recorded' },
  leftOut: 'The page cache, timestamps, errors of earlier writeback.',
  via: ['do_fsync', '__x64_sys_fsync'],
  start: {
    label: 'fsync',
    on: ['inode'],
    by: 'admin',
    args: (k, { id }) => ({ inode: k.inodes.at(id).id, first: 0, last: END }),
    refuse(k, { inode, first, last }) {
      const absent = absence(k, inode)
      if (absent !== undefined) return absent
      if (hasPageCache(k, inode)) return 'The file is not on a DAX file system.'
      return first >= 0 && first < last && last <= END
        ? undefined
        : 'The range must lie in the file.'
    },
  },
  params: { inode: ref('inode'), first: wide(), last: wide() },
  entry: 'write',
  steps: {
    write: {
      does: 'Write the dirty pages of the range back, which makes their mappings read-only.',
      fn: 'file_write_and_wait_range',
      run(_k, t) {
        const { inode, first, last } = t
        return t.call(dax_writeback_mapping_range, { inode, from: first, to: last }, 'force_log')
      },
    },
    force_log: {
      does: 'Force the log out: which blocks the file has is on disk now. A file system that is shut down says -EIO.',
      fn: 'xfs_log_force_seq',
      run(k, t) {
        if (k.superBlocks.at(k.inodes.at(t.inode).i_sb).shutdown !== 'no') return t.done(-EIO)
        k.inodes.at(t.inode).datasync_dirty = 0
        return t.done()
      },
    },
  },
})
