import { int, ref, wide } from '../../arena'
import { EIO } from '../include/errno'
import type { Kernel } from '../kernel'
import { hasPageCache } from '../mm/filemap'
import { operation } from '../operation'
import { END } from './break-layouts'
import { dax_writeback_mapping_range, hasDirtyEntry } from './dax-writeback'
import { absence } from './open-files'

/** b_io of a sync that has not looked yet. */
const UNLISTED = -1

/** The inodes of a file system that have dirty DAX entries, as bits: there are never more than 30. */
const dirtyInodes = (k: Kernel, superBlock: number): number =>
  k.inodes
    .rows()
    .filter(({ id, i_sb }) => i_sb === superBlock && hasDirtyEntry(k, id))
    .reduce((set, { id }) => set | (1 << id), 0)

/** §2.5 of the DAX sheet: what a sync comes to for DAX files. It works on a dead dax_device too. */
export const sync_filesystem = operation({
  name: 'sync_filesystem',
  does: 'Syncs a file system: every dirty file is written back.',
  source: { file: 'fs/sync.c', fn: 'sync_filesystem', version: '6.12', evidence: 'recorded' },
  leftOut:
    'Metadata but for whether a file’s blocks are known to the log, and the page cache. Files come by their number, not by when they became dirty.',
  params: { superBlock: ref('super_block') },
  locals: {
    b_io: int(UNLISTED, 'Files that are still to be written back, as bits; -1: not listed.'),
  },
  entry: 'next',
  steps: {
    next: {
      does: 'At first, list the files that are dirty now: what becomes dirty later is left out (dirtied_before), and each comes once. The next of them; its DAX mappings become read-only. None: force the log out, and done.',
      fn: 'writeback_sb_inodes',
      source: {
        file: 'fs/fs-writeback.c',
        fn: 'queue_io',
        version: '6.12',
        evidence: 'memory',
      },
      run(k, t) {
        const dirty = dirtyInodes(k, t.superBlock)
        const left = t.b_io === UNLISTED ? dirty : t.b_io & dirty
        const inode = k.inodes.find(({ id }) => (left & (1 << id)) !== 0)
        if (inode !== undefined) {
          t.b_io = left & ~(1 << inode.id)
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
