import { ref } from '../../arena'
import { TAG } from '../include/fs'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { END } from './break-layouts'
import { dax_writeback_mapping_range } from './dax-writeback'

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
  leftOut: 'Metadata, the log, and the page cache.',
  params: { superBlock: ref('super_block') },
  entry: 'next',
  steps: {
    next: {
      does: 'The next dirty file; its DAX mappings become read-only. None: done.',
      fn: 'writeback_inodes_sb',
      run(k, t) {
        const inode = dirtyInode(k, t.superBlock)
        if (inode === undefined) return t.done()
        return t.call(dax_writeback_mapping_range, { inode: inode.id }, 'next')
      },
    },
  },
})
