import { int, ref } from '../../../arena'
import { at, both, type Wait } from '../../../machine'
import { EIO, EOPNOTSUPP } from '../../include/errno'
import { PAGE_SIZE } from '../../include/mm'
import type { Kernel } from '../../kernel'
import { takeSignals } from '../../kernel/signal'
import { untilMappersPtl } from '../../mm/locks'
import { unmap_mapping_range } from '../../mm/rmap'
import { operation } from '../../operation'
import { pageHolders } from '../../wait-holders'
import { busyPage, END, isUnmapped, untilUnmappable } from '../break-layouts'
import { deleteEntries } from '../dax-entries'
import { dax_writeback_mapping_range } from '../dax-writeback'
import { isShutDown, sb_end_write, sb_start_write, untilThawed } from '../freeze'
import { untilInodeLock, untilUnlocked } from '../inode-locks'
import { absence } from '../open-files'
import { xfs_break_layouts } from './xfs_file'

interface Pair {
  readonly source: number
  readonly target: number
}

interface Cloner extends Pair {
  readonly task: { readonly id: number }
}

type OfFile = Wait<Kernel, { readonly inode: number; readonly task: Cloner['task'] }>

const ofSource = (wait: OfFile) =>
  at(wait, (_k: Kernel, { source, task }: Cloner) => ({ inode: source, task }))

const ofTarget = (wait: OfFile) =>
  at(wait, (_k: Kernel, { target, task }: Cloner) => ({ inode: target, task }))

/** An errno where the files cannot share blocks, or 0. */
function cannotShare(k: Kernel, { source, target }: Pair): number {
  if (isShutDown(k, source)) return -EIO
  const superBlock = k.superBlocks.at(k.inodes.at(source).i_sb)
  const isOne = k.inodes.at(target).i_sb === superBlock.id
  const mayShare = superBlock.s_type === 'xfs' && k.policy.daxReflink !== 'refused'
  return isOne && mayShare ? 0 : -EOPNOTSUPP
}

/** The target has the blocks of the source in the place of its own. */
function shareBlocks(k: Kernel, { source, target }: Pair): void {
  const [from, to] = [k.inodes.at(source), k.inodes.at(target)]
  const pages = Math.ceil(from.i_size / PAGE_SIZE)
  k.extents.in(target).clear(0, pages)
  for (const { start, end, pfn } of k.extents.in(source).runs(0, pages))
    k.extents.in(target).fill(start, end, { pfn })
  to.i_size = Math.max(to.i_size, from.i_size)
  from.datasync_dirty = 1
  to.datasync_dirty = 1
}

const isIdleTarget = (k: Kernel, inode: number): boolean =>
  (k.policy.daxRefcount === 'oneBased' && isUnmapped(k, inode)) || busyPage(k, inode) === undefined

/** §2.4 of the DAX sheet: how two files come to have the same blocks. */
export const xfs_file_remap_range = operation({
  name: 'xfs_file_remap_range',
  does: 'FICLONE: the second file gets the blocks of the first in the place of its own, and both have them.',
  source: { file: 'fs/xfs/xfs_file.c', fn: 'xfs_file_remap_range', version: '6.12' },
  leftOut: 'Ranges and FIDEDUPERANGE, direct I/O on the files, the log.',
  via: ['vfs_clone_file_range', 'ioctl_file_clone', '__x64_sys_ioctl'],
  start: {
    label: 'Clone it onto another file (FICLONE)',
    on: ['inode'],
    by: 'admin',
    args: (k, { id }) => {
      const source = k.inodes.at(id)
      const other = k.inodes.find((each) => each.id !== id && each.i_sb === source.i_sb)
      return { source: source.id, target: (other ?? source).id }
    },
    refuse(k, { source, target }) {
      const absent = absence(k, source) ?? absence(k, target)
      if (absent !== undefined) return absent
      return source === target ? 'There is no other file to clone it onto.' : undefined
    },
  },
  params: { source: ref('inode'), target: ref('inode') },
  locals: { result: int() },
  entry: 'start_write',
  steps: {
    start_write: {
      does: 'Wait while the file system is frozen; then hold a freeze off until the end.',
      fn: 'vfs_clone_file_range',
      when: ofTarget(untilThawed),
      run(k, t) {
        sb_start_write(k, { inode: t.target })
        return 'iolock'
      },
    },
    iolock: {
      does: 'Take IOLOCK of both files. Before 6.0 XFS has either DAX or reflink: -EOPNOTSUPP.',
      fn: 'xfs_iolock_two_inodes_and_break_layout',
      when: both(ofSource(untilInodeLock('IOLOCK')), ofTarget(untilInodeLock('IOLOCK'))),
      run(k, t) {
        t.result = cannotShare(k, t)
        if (t.result < 0) {
          sb_end_write(k, { inode: t.target })
          return t.done(t.result)
        }
        k.inodes.at(t.source).iolock = t.task.id
        k.inodes.at(t.target).iolock = t.task.id
        return 'mmaplock'
      },
    },
    mmaplock: {
      does: 'Take MMAPLOCK of the first, and wait until nobody has its pages under DMA.',
      fn: 'xfs_mmaplock_two_inodes_and_break_dax_layout',
      when: ofSource(untilUnlocked('MMAPLOCK')),
      run(k, t) {
        k.inodes.at(t.source).mmaplock = t.task.id
        return t.call(xfs_break_layouts, { inode: t.source }, 'mmaplock_target')
      },
    },
    mmaplock_target: {
      does: 'Take MMAPLOCK of the second. A signal has ended the wait: give up.',
      fn: 'xfs_mmaplock_two_inodes_and_break_dax_layout',
      when: at(untilUnlocked('MMAPLOCK'), (_k: Kernel, t: Pair & { readonly ret: number }) =>
        t.ret < 0 ? undefined : { inode: t.target },
      ),
      run(k, t) {
        t.result = t.ret
        if (t.ret < 0) return 'unlock'
        k.inodes.at(t.target).mmaplock = t.task.id
        return 'break_target'
      },
    },
    break_target: {
      does: 'Unmap the second file. A page of it is under DMA: drop both MMAPLOCKs, and try again.',
      fn: 'dax_layout_busy_page',
      when: ofTarget(both(untilUnmappable, untilMappersPtl)),
      run(k, t) {
        unmap_mapping_range(k, t.target, 0, END)
        if (isIdleTarget(k, t.target)) return 'write_back'
        k.inodes.at(t.source).mmaplock = 0
        k.inodes.at(t.target).mmaplock = 0
        return 'try_again'
      },
    },
    try_again: {
      does: 'The kernel does not sleep here: it begins anew until the page is idle.',
      fn: 'xfs_mmaplock_two_inodes_and_break_dax_layout',
      when: {
        state: 'R',
        ready: (k, t) => isIdleTarget(k, t.target),
        reason: (k, t) => {
          const busy = busyPage(k, t.target) ?? 0
          return `tries again and again: page 0x${busy.toString(16)} of ${k.inodes.at(t.target).name} is under DMA`
        },
        holders: (k, t) => pageHolders(k, busyPage(k, t.target) ?? 0, t.task.id),
      },
      run: () => 'mmaplock',
    },
    write_back: {
      does: 'Write the first file back: its entries are clean, so that the next store asks for a block.',
      fn: 'xfs_reflink_remap_prep',
      run: (_k, t) =>
        t.call(dax_writeback_mapping_range, { inode: t.source, from: 0, to: END }, 'remap'),
    },
    remap: {
      does: 'Throw the entries of the second file away, and give it the blocks of the first. What it had is free.',
      fn: 'xfs_reflink_remap_blocks',
      run(k, t) {
        deleteEntries(k, t.target, 0, Math.ceil(k.inodes.at(t.source).i_size / PAGE_SIZE))
        shareBlocks(k, t)
        return 'unlock'
      },
    },
    unlock: {
      does: 'Drop the locks. A signal is taken on the way back to user space.',
      fn: 'xfs_iunlock2_remapping',
      run(k, t) {
        takeSignals(k, t.task.id)
        for (const inode of [k.inodes.at(t.source), k.inodes.at(t.target)]) {
          inode.iolock = 0
          if (inode.mmaplock === t.task.id) inode.mmaplock = 0
        }
        sb_end_write(k, { inode: t.target })
        return t.done(t.result)
      },
    },
  },
})
