import { ref } from '../../arena'
import { EIO } from '../include/errno'
import { isIomemInode } from '../kernel/iomem-mapping'
import { operation } from '../operation'
import { dax_break_layout_final, END } from './break-layouts'
import { deleteEntries } from './dax-entries'
import { isShutDown, untilThawed } from './freeze'
import { isUnused } from './open-files'

/** evict(): the last user of a file without a name is gone. §2.7 and W13 of the DAX sheet. */
export const evict = operation({
  name: 'evict',
  does: 'Evicts an inode: its entries and blocks go.',
  source: { file: 'fs/inode.c', fn: 'evict', version: '6.12', evidence: 'recorded' },
  leftOut: 'Metadata, the log, the inode cache.',
  params: { inode: ref('inode') },
  entry: 'break_layouts',
  steps: {
    break_layouts: {
      does: 'From 6.15 on wait, without an end, until no page of the file is under DMA. Before, nobody asks. Who comes second (I_FREEING) has nothing to do.',
      fn: 'dax_break_layout_final',
      run(k, t) {
        if (!k.inodes.isLive(t.inode) || k.inodes.at(t.inode).freeing === 1) return t.done()
        k.inodes.at(t.inode).freeing = 1
        if (k.policy.daxRefcount === 'oneBased') return 'delete_entries'
        return t.call(dax_break_layout_final, { inode: t.inode }, 'delete_entries')
      },
    },
    delete_entries: {
      does: 'Delete the entries. A page that is still pinned is warned about, no more.',
      fn: 'truncate_inode_pages_final',
      run(k, t) {
        deleteEntries(k, t.inode, 0, END)
        return 'free_blocks'
      },
    },
    free_blocks: {
      does: 'Free the blocks: another file may get them.',
      fn: 'xfs_inactive',
      run(k, t) {
        k.inodes.at(t.inode).freeing = 0
        if (k.inodes.at(t.inode).i_nlink === 0) {
          k.extents.in(t.inode).clear(0, END)
          k.inodes.free(t.inode)
        }
        return t.done()
      },
    },
  },
})

/** unlink(2). */
export const vfs_unlink = operation({
  name: 'vfs_unlink',
  does: 'Takes the name of a file away; with its last user the file itself goes.',
  source: { file: 'fs/namei.c', fn: 'vfs_unlink', version: '6.12', evidence: 'recorded' },
  leftOut:
    'Directories. A file that another call is at work on is evicted when the next file loses its last user, and not as that call ends.',
  via: ['do_unlinkat', '__x64_sys_unlink'],
  start: {
    label: 'Unlink',
    on: ['inode'],
    by: 'admin',
    args: (k, { id }) => ({ inode: k.inodes.at(id).id }),
    refuse(k, { inode }) {
      if (!k.inodes.isLive(inode)) return 'There is no such file.'
      if (isIomemInode(k, inode)) return 'The nodes of devices stay.'
      return k.inodes.at(inode).i_nlink > 0 ? undefined : 'The file has no name any more.'
    },
  },
  params: { inode: ref('inode') },
  entry: 'unlink',
  steps: {
    unlink: {
      does: 'One name less, unless the file system is frozen.',
      fn: 'drop_nlink',
      when: untilThawed,
      run(k, t) {
        if (!k.inodes.isLive(t.inode)) return t.done()
        if (isShutDown(k, t.inode)) return t.done(-EIO)
        k.inodes.at(t.inode).i_nlink -= 1
        return isUnused(k, t.inode, t.task.id)
          ? t.call(evict, { inode: t.inode }, 'done')
          : t.done()
      },
    },
    done: { does: 'The file is gone.', fn: 'iput', run: (_k, t) => t.done() },
  },
})

/** close(2) of a file by its last opener here. */
export const filp_close = operation({
  name: 'filp_close',
  does: 'Closes a file.',
  source: { file: 'fs/open.c', fn: 'filp_close', version: '6.12' },
  leftOut: 'Several openers; leases and locks of the file; files of I/O memory.',
  start: {
    label: 'Close',
    on: ['inode'],
    by: 'process',
    args: (k, { id }) => ({ inode: k.inodes.at(id).id }),
    refuse(k, { inode }) {
      if (!k.inodes.isLive(inode)) return 'There is no such file.'
      if (isIomemInode(k, inode)) return 'Files of I/O memory stay open here.'
      return k.inodes.at(inode).i_opens > 0 ? undefined : 'Nobody has it open.'
    },
  },
  params: { inode: ref('inode') },
  entry: 'close',
  steps: {
    close: {
      does: 'One open file less.',
      fn: '__fput',
      run(k, t) {
        if (!k.inodes.isLive(t.inode)) return t.done()
        k.inodes.at(t.inode).i_opens -= 1
        return isUnused(k, t.inode, t.task.id)
          ? t.call(evict, { inode: t.inode }, 'done')
          : t.done()
      },
    },
    done: { does: 'The file is gone.', fn: 'iput', run: (_k, t) => t.done() },
  },
})
