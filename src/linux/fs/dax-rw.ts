import { int, ref, wide } from '../../arena'
import { at } from '../../machine'
import { EIO, ENOSPC } from '../include/errno'
import { PAGE_SIZE } from '../include/mm'
import type { Kernel } from '../kernel'
import { hasPageCache } from '../mm/filemap'
import { operation } from '../operation'
import { isBad, writeBlocks } from './badblocks'
import { daxOf } from './dax-entries'
import { breakLeases, isBrokenByWrites, untilUnleased } from './dax-lease'
import { isShutDown, sb_end_write, sb_start_write, untilThawed } from './freeze'
import { untilInodeLock } from './inode-locks'
import { absence } from './open-files'
import { unshareBlocks, untilSharedUnlocked } from './reflink'

interface Transfer {
  readonly inode: number
  readonly pos: number
  readonly length: number
}

/** Bytes that there are before the end of the file. */
const bytesLeft = (k: Kernel, { inode, pos, length }: Transfer): number =>
  Math.max(0, Math.min(length, k.inodes.at(inode).i_size - pos))

const pagesOf = ({ pos, length }: Transfer): [first: number, last: number] => [
  Math.floor(pos / PAGE_SIZE),
  Math.ceil((pos + length) / PAGE_SIZE),
]

/** The blocks of a stretch of a file. */
const blocksOf = (k: Kernel, t: Transfer) => k.extents.in(t.inode).runs(...pagesOf(t))

const isAligned = ({ pos, length }: Transfer): boolean =>
  pos % PAGE_SIZE === 0 && length % PAGE_SIZE === 0

/** dax_iomap_iter(): an errno, or 0 where the bytes can be copied. */
function direct_access(k: Kernel, t: Transfer, write: boolean): number {
  if (daxOf(k, t.inode)?.alive !== 1) return -EIO
  const isLost = blocksOf(k, t).some(({ pfn, length }) => isBad(k, pfn, length))
  // DAX_RECOVERY_WRITE takes whole pages only.
  return isLost && !(write && isAligned(t)) ? -EIO : 0
}

/** A write waits for the entries of blocks that it has to replace. */
const untilCopyable = (write: boolean) =>
  at(untilSharedUnlocked, (_k: Kernel, t: Transfer) => {
    const [first, last] = pagesOf(t)
    return write ? { inode: t.inode, first, last } : undefined
  })

const transfer = (name: 'daxRead' | 'daxWrite', write: boolean) =>
  operation({
    name,
    does: `${write ? 'Writes to' : 'Reads from'} a DAX file with ${write ? 'write(2)' : 'read(2)'}: straight ${write ? 'into' : 'out of'} the blocks.`,
    source: { file: 'fs/dax.c', fn: 'dax_iomap_rw', version: '6.12', evidence: 'recorded' },
    leftOut:
      'Holes and growth of the file, leases of pNFS; a machine check while the kernel itself copies. One value stands for all bytes.',
    via: write ? ['vfs_write', 'ksys_pwrite64'] : ['vfs_read', 'ksys_pread64'],
    start: {
      label: write ? 'Write its first page with write(2)' : 'Read its first bytes with read(2)',
      on: ['inode'],
      by: 'admin',
      args: (k, { id }) => ({
        inode: k.inodes.at(id).id,
        pos: 0,
        length: write ? PAGE_SIZE : 16,
        value: 0,
      }),
      refuse(k, { inode, pos, length, value }) {
        const absent = absence(k, inode)
        if (absent !== undefined) return absent
        if (hasPageCache(k, inode)) return 'The file is not on a DAX file system.'
        if (value < 0 || value > 0xff) return 'A byte is from 0 to 255.'
        const inside = pos >= 0 && length > 0 && pos + length <= k.inodes.at(inode).i_size
        return inside ? undefined : 'Position and length must lie inside the file.'
      },
    },
    params: { inode: ref('inode'), pos: wide(), length: wide(), value: int() },
    entry: write ? 'start_write' : 'lock',
    steps: {
      start_write: {
        does: 'Wait while the file system is frozen; then hold a freeze off until the end.',
        fn: 'sb_start_write',
        when: untilThawed,
        run(k, t) {
          sb_start_write(k, t)
          return 'lock'
        },
      },
      lock: {
        does: write
          ? 'Wait for the inode lock. In a kernel where a write breaks the leases of GUP too: break them.'
          : 'Wait for the inode lock.',
        fn: write ? 'xfs_file_dax_write' : 'xfs_file_dax_read',
        when: untilInodeLock('the inode lock'),
        run(k, t) {
          if (isShutDown(k, t.inode)) {
            if (write) sb_end_write(k, t)
            return t.done(-EIO)
          }
          const mustWait = write && isBrokenByWrites(k) && breakLeases(k, t.inode)
          return mustWait ? 'wait_lease' : 'copy'
        },
      },
      wait_lease: {
        does: 'The lease that this write has broken is gone: look again.',
        fn: '__break_lease',
        when: untilUnleased,
        run: () => 'lock',
      },
      copy: {
        does: write
          ? 'Ask the device for the blocks; known bad ones are cleared if whole pages are written, or else -EIO. Blocks that other files have too are replaced, and unmapped. Then copy.'
          : 'Ask the device for the blocks; known bad ones give -EIO. Then copy.',
        fn: 'dax_iomap_iter',
        when: untilCopyable(write),
        run(k, t) {
          if (write) sb_end_write(k, t)
          const error = direct_access(k, t, write)
          const left = bytesLeft(k, t)
          if (error < 0 || left === 0) return t.done(error)
          if (write && !unshareBlocks(k, t.inode, ...pagesOf(t))) return t.done(-ENOSPC)
          for (const { pfn, length } of blocksOf(k, t)) {
            if (write) writeBlocks(k, pfn, length, t.value)
            else t.task.value = k.contents.has(pfn) ? k.contents.at(pfn).value : 0
          }
          return t.done(left)
        },
      },
    },
  })

export const daxRead = transfer('daxRead', false)
export const daxWrite = transfer('daxWrite', true)
