import { int, ref, wide } from '../../arena'
import type { Source, Target } from '../../machine'
import { EBUSY, EIO } from '../include/errno'
import { PAGE_SIZE } from '../include/mm'
import type { Kernel } from '../kernel'
import { takeSignals } from '../kernel/signal'
import { filemap_remove_folio } from '../mm/filemap'
import { untilMappersPtl } from '../mm/locks'
import { unmap_page_range } from '../mm/memory-zap'
import { mappedStretches, unmap_mapping_range } from '../mm/rmap'
import { operation } from '../operation'
import { type breakLayoutsOf, busyPage, END } from './break-layouts'
import { deleteEntries, untilEntryUnlocked } from './dax-entries'
import { breakLeases, untilUnleased } from './dax-lease'
import { isShutDown, sb_end_write, sb_start_write, untilThawed } from './freeze'
import { untilInodeLock, untilUnlocked } from './inode-locks'
import { setAside } from './lost-and-found'
import { absence } from './open-files'

/** The size stays: a hole is punched. */
export const KEEP_SIZE = -1

/** What one file system calls its way to give blocks of a file back. */
interface Shrink {
  readonly name: string
  readonly does: string
  readonly leftOut: string
  readonly source: Source
  readonly via: readonly string[]
  readonly label: string
  readonly args: (k: Kernel, target: Target) => ShrinkArgs
  readonly fileSystem: 'xfs' | 'ext4'
  readonly iolock: string
  readonly mmaplock: string
  /** The function that frees the blocks. */
  readonly freer: string
  readonly breakLayouts: ReturnType<typeof breakLayoutsOf>
}

interface ShrinkArgs {
  readonly inode: ReturnType<Kernel['inodes']['at']>['id']
  /** File pages [first, last) lose their blocks. */
  readonly first: number
  readonly last: number
  /** The new size in bytes, or KEEP_SIZE. */
  readonly size: number
}

/** The file of this number, or none: what is asked of a file that is not there is refused. */
const fileOf = (k: Kernel, inode: number): ShrinkArgs['inode'] =>
  k.inodes.isLive(inode) ? k.inodes.at(inode).id : 0

/** truncate() to a size in bytes. */
export const truncateArgs = (k: Kernel, inode: number, size: number): ShrinkArgs => ({
  inode: fileOf(k, inode),
  first: Math.ceil(size / PAGE_SIZE),
  last: END,
  size,
})

/** fallocate(FALLOC_FL_PUNCH_HOLE) of some whole pages. */
export const punchArgs = (k: Kernel, inode: number, first: number, pages: number): ShrinkArgs => ({
  inode: fileOf(k, inode),
  first,
  last: first + pages,
  size: KEEP_SIZE,
})

function refusal(
  k: Kernel,
  { inode, first, last, size }: ShrinkArgs,
  fileSystem: string,
): string | undefined {
  const absent = absence(k, inode)
  if (absent !== undefined) return absent
  const superBlock = k.superBlocks.at(k.inodes.at(inode).i_sb)
  if (superBlock.s_type !== fileSystem) return `The file is on ${superBlock.s_type}.`
  if (superBlock.shutdown !== 'no') return 'The file system is shut down: this gives -EIO.'
  if (first < 0 || last <= first || last > END || size < KEEP_SIZE)
    return 'The range must lie in the file.'
  return size <= k.inodes.at(inode).i_size ? undefined : 'Truncate only makes a file shorter here.'
}

/** The next stretch in which somebody still has entries of the pages that go. */
function mappedStretch(k: Kernel, { inode, first, last }: ShrinkArgs) {
  const stretch = mappedStretches(k, inode, first, last).find(
    ({ mm, start, end }) => k.ptes.in(mm).runs(start, end).length > 0,
  )
  return stretch && { ...stretch, mm: k.mms.at(stretch.mm).id }
}

/** §3.2 of the DAX sheet: truncate, and the punch of a hole, which differs in nothing but the size. */
export const shrinkOf = (fs: Shrink) =>
  operation({
    name: fs.name,
    does: fs.does,
    source: fs.source,
    leftOut: fs.leftOut,
    via: fs.via,
    start: {
      label: fs.label,
      on: ['inode'],
      by: 'admin',
      args: fs.args,
      refuse: (k, args) => refusal(k, args, fs.fileSystem),
    },
    params: { inode: ref('inode'), first: wide(), last: wide(), size: wide() },
    locals: { result: int() },
    entry: 'start_write',
    steps: {
      start_write: {
        does: 'Wait while the file system is frozen; then hold a freeze off until the end.',
        fn: 'mnt_start_write',
        when: untilThawed,
        run(k, t) {
          sb_start_write(k, t)
          return 'iolock'
        },
      },
      iolock: {
        does: `Take ${fs.iolock}: no write, no other truncate.`,
        fn: 'inode_lock',
        when: untilInodeLock(fs.iolock),
        run(k, t) {
          k.inodes.at(t.inode).iolock = t.task.id
          return 'mmaplock'
        },
      },
      mmaplock: {
        does: `Take ${fs.mmaplock}: no new faults.`,
        fn: 'filemap_invalidate_lock',
        when: untilUnlocked(fs.mmaplock),
        run(k, t) {
          k.inodes.at(t.inode).mmaplock = t.task.id
          return 'break_layouts'
        },
      },
      break_layouts: {
        does: 'Wait for DMA into the file to end. Up to 4.17 nobody did.',
        run(k, t) {
          switch (k.policy.daxTruncate) {
            case 'ignore':
              return 'unmap'
            case 'wait':
              return t.call(fs.breakLayouts, { inode: t.inode }, 'unmap')
            case 'fail':
              return 'test_busy'
            case 'remap':
              return 'unmap_busy'
            case 'lease':
            case 'leaseLayout':
            case 'leaseLiteral':
              return 'break_lease'
            case 'noDax':
              return 'unmap_cached'
            default:
              return k.policy.daxTruncate satisfies never
          }
        },
      },
      test_busy: {
        does: 'Option 1: unmap the file. A page is in use: give up.',
        fn: 'dax_layout_busy_page',
        when: untilMappersPtl,
        run(k, t) {
          unmap_mapping_range(k, t.inode, 0, END)
          if (busyPage(k, t.inode) === undefined) return 'unmap'
          t.result = -EBUSY
          return 'unlock'
        },
      },
      unmap_busy: {
        does: 'Option 3: unmap the file.',
        fn: 'dax_layout_busy_page',
        when: untilMappersPtl,
        run(k, t) {
          unmap_mapping_range(k, t.inode, 0, END)
          return 'set_aside'
        },
      },
      set_aside: {
        does: 'Move blocks that are under DMA to the file for the lost, in one transaction.',
        fn: 'remap',
        run(k, t) {
          setAside(k, t.inode, t.first, t.last)
          return 'unmap'
        },
      },
      break_lease: {
        does: 'Option 2 as posted: break the leases of the file. There are some: drop the locks and wait.',
        fn: 'break_allocated',
        run(k, t) {
          if (!breakLeases(k, t.inode)) return 'unmap'
          k.inodes.at(t.inode).mmaplock = 0
          k.inodes.at(t.inode).iolock = 0
          return 'wait_lease'
        },
      },
      wait_lease: {
        does: 'The last lease is gone: take the locks again, and look again.',
        fn: '__break_lease',
        when: untilUnleased,
        run: () => 'iolock',
      },
      unmap_cached: {
        does: 'Option 4: unmap the next stretch that has cached pages of the file.',
        fn: 'truncate_pagecache',
        run(k, t) {
          if (t.size !== KEEP_SIZE) k.inodes.at(t.inode).i_size = t.size
          const stretch = mappedStretch(k, t)
          if (stretch === undefined) return 'uncache'
          return t.call(unmap_page_range, { ...stretch, explicit: 1 }, 'unmap_cached')
        },
      },
      uncache: {
        does: 'Take the pages out of the page cache; who holds one keeps it, and the block does not depend on it.',
        fn: 'truncate_inode_pages',
        run(k, t) {
          for (const { start, end } of k.pageCache.in(t.inode).runs(t.first, t.last))
            for (let index = start; index < end; index++) filemap_remove_folio(k, t.inode, index)
          return 'free_blocks'
        },
      },
      unmap: {
        does: 'Set the new size if there is one, and unmap the pages that go, private copies with them. A hole leaves those alone. If a signal ended the wait, or the file system was shut down meanwhile, nothing changes.',
        fn: 'truncate_pagecache',
        when: untilMappersPtl,
        run(k, t) {
          if (k.policy.daxTruncate === 'wait' && t.ret < 0) {
            t.result = t.ret
            return 'unlock'
          }
          if (isShutDown(k, t.inode)) {
            t.result = -EIO
            return 'unlock'
          }
          if (t.size !== KEEP_SIZE) k.inodes.at(t.inode).i_size = t.size
          unmap_mapping_range(k, t.inode, t.first, t.last)
          const copies = t.size === KEEP_SIZE ? undefined : mappedStretch(k, t)
          return copies === undefined
            ? 'delete_entries'
            : t.call(unmap_page_range, { ...copies, explicit: 1 }, 'unmap')
        },
      },
      delete_entries: {
        does: 'Delete the entries: the pages no longer belong to the file. A reference of theirs is not looked at.',
        fn: 'dax_delete_mapping_entry',
        when: untilEntryUnlocked,
        run(k, t) {
          deleteEntries(k, t.inode, t.first, t.last)
          return 'free_blocks'
        },
      },
      free_blocks: {
        does: 'Free the blocks: another file may get them from here on.',
        fn: fs.freer,
        run(k, t) {
          k.extents.in(t.inode).clear(t.first, t.last)
          k.inodes.at(t.inode).datasync_dirty = 1
          return 'unlock'
        },
      },
      unlock: {
        does: 'Drop the locks. A signal is taken on the way back to user space.',
        run(k, t) {
          takeSignals(k, t.task.id)
          k.inodes.at(t.inode).mmaplock = 0
          k.inodes.at(t.inode).iolock = 0
          sb_end_write(k, t)
          return t.done(t.result)
        },
      },
    },
  })
