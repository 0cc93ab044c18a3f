import { int, ref, text, wide } from '../../arena'
import { at } from '../../machine'
import { EBADF, EIO, ENOSPC } from '../include/errno'
import { PAGE_SIZE } from '../include/mm'
import type { Kernel } from '../kernel'
import { shmem_get_folio } from '../mm/filemap'
import { operation } from '../operation'
import { writeBlocks } from './badblocks'
import { END } from './break-layouts'
import { daxOf } from './dax-entries'
import { findFreeBlocks } from './extents'
import {
  freezers,
  frozenReason,
  isShutDown,
  sb_end_write,
  sb_start_write,
  untilThawed,
} from './freeze'
import { untilInodeLock } from './inode-locks'
import { absence } from './open-files'
import { unshareBlocks, untilSharedUnlocked } from './reflink'

const LARGEST_FILE_PAGES = 2 ** 32
const LARGEST_TMPFS_PAGES = 1024

/** open(O_CREAT), fallocate and a first write, as every test program begins. */
export const createFile = operation({
  name: 'createFile',
  does: 'Makes a file, and gives it blocks in one piece.',
  source: { file: 'fs/open.c', fn: 'vfs_fallocate', version: '6.12' },
  leftOut:
    'Directories, unwritten extents, the journal: the file is there with zeroes in it, or not at all.',
  start: {
    label: 'Make a file of 8 MiB',
    on: ['super_block'],
    by: 'admin',
    args: (k, { id }) => ({
      superBlock: k.superBlocks.at(id).id,
      name: freeName(k),
      size: 8 << 20,
    }),
    refuse(k, { superBlock, name, size }) {
      if (!k.superBlocks.isLive(superBlock)) return 'There is no such file system.'
      if (k.superBlocks.at(superBlock).shutdown !== 'no')
        return 'The file system is shut down: this gives -EIO.'
      if (k.inodes.isFull) return 'This simulation has no room for another file.'
      if (k.inodes.find((inode) => inode.name === name) !== undefined)
        return `There is a file ${name} already.`
      return size > 0 && size <= LARGEST_FILE_PAGES * PAGE_SIZE
        ? undefined
        : 'The size must be positive.'
    },
  },
  params: { superBlock: ref('super_block'), name: text(), size: wide() },
  entry: 'create',
  steps: {
    create: {
      does: 'Make the inode, and allocate its blocks, unless the file system is frozen.',
      fn: 'vfs_create',
      when: {
        state: 'D',
        ready: (k, t) => k.superBlocks.at(t.superBlock).frozen === 0,
        reason: (k, t) => frozenReason(k.superBlocks.at(t.superBlock)),
        holders: (k, t) => freezers(k, t.superBlock),
      },
      run(k, t) {
        if (k.superBlocks.at(t.superBlock).shutdown !== 'no') return t.done(-EIO)
        const pages = Math.ceil(t.size / PAGE_SIZE)
        if (k.superBlocks.at(t.superBlock).s_type === 'tmpfs')
          return t.done(makeTmpfsFile(k, t, pages))
        if (k.superBlocks.at(t.superBlock).device === 0) return t.done(makeDiskFile(k, t))
        const pfn = findFreeBlocks(k, t.superBlock, pages)
        if (pfn === undefined) return t.done(-ENOSPC)
        const i_ino = Math.max(130, ...k.inodes.rows().map((inode) => inode.i_ino)) + 1
        const inode = k.inodes.alloc({ name: t.name, i_ino, i_sb: t.superBlock, i_size: t.size })
        if (inode === undefined) return t.done(-ENOSPC)
        k.extents.in(inode.id).fill(0, pages, { pfn })
        k.contents.fill(pfn, pfn + pages, { value: 0 })
        return t.done(inode.id)
      },
    },
  },
})

/** Its pages are made at once, in the page cache: as a first write(2) over all of it leaves them. */
function makeTmpfsFile(
  k: Kernel,
  {
    name,
    superBlock,
    size,
    task,
  }: { name: string; superBlock: number; size: number; task: { id: number } },
  pages: number,
): number {
  if (pages > LARGEST_TMPFS_PAGES) return -ENOSPC
  const i_sb = k.superBlocks.at(superBlock).id
  const inode = k.inodes.alloc({ name, i_ino: k.inodes.rows().length + 2, i_sb, i_size: size })
  if (inode === undefined) return -ENOSPC
  for (let index = 0; index < pages; index++)
    if (shmem_get_folio(k, inode.id, index, task.id) === undefined) return -ENOSPC
  return inode.id
}

/** A file of an ordinary disk: zeroes, none of which is in memory yet. */
function makeDiskFile(
  k: Kernel,
  { name, superBlock, size }: { name: string; superBlock: number; size: number },
): number {
  const i_sb = k.superBlocks.at(superBlock).id
  const i_ino = Math.max(130, ...k.inodes.rows().map((inode) => inode.i_ino)) + 1
  return k.inodes.alloc({ name, i_ino, i_sb, i_size: size })?.id ?? -ENOSPC
}

const freeName = (k: Kernel): string => {
  const used = new Set(k.inodes.rows().map(({ name }) => name))
  return (
    [...'bcdefghijklmnopqrstuvwxyz']
      .map((letter) => `/mnt/${letter}`)
      .find((name) => !used.has(name)) ?? '/mnt/z'
  )
}

/** Waits for the inode lock, where the file could be opened. */
const untilWritable = at(
  untilInodeLock('the inode lock'),
  (_k: Kernel, t: { readonly fd: number; readonly inode: number }) => (t.fd < 0 ? undefined : t),
)

const untilAllSharedUnlocked = at(
  untilSharedUnlocked,
  (_k: Kernel, { inode }: { readonly inode: number }) => ({ inode, first: 0, last: END }),
)

/** open(2), write(2) over the whole file, close(2), by somebody who does not map it. */
export const writeFile = operation({
  name: 'writeFile',
  does: 'Opens the file, and writes over all of it with write(2).',
  source: { file: 'fs/dax.c', fn: 'dax_iomap_rw', version: '6.12', evidence: 'recorded' },
  leftOut: 'Files with holes: only blocks that are there are written. Breaking of pNFS layouts.',
  via: ['vfs_write', 'ksys_write'],
  start: {
    label: 'Write over it with write(2)',
    on: ['inode'],
    by: 'admin',
    args: (k, { id }) => ({ inode: k.inodes.at(id).id, value: 0x5a }),
    refuse(k, { inode, value }) {
      const absent = absence(k, inode)
      if (absent !== undefined) return absent
      return value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'
    },
  },
  params: { inode: ref('inode'), value: int() },
  locals: { fd: int() },
  entry: 'open',
  steps: {
    open: {
      does: 'Open the file; a file system that is shut down says -EIO.',
      fn: 'do_sys_openat2',
      run(k, t) {
        const { shutdown } = k.superBlocks.at(k.inodes.at(t.inode).i_sb)
        t.fd = shutdown === 'no' ? 4 : -1
        return t.fd < 0 ? 'write' : 'start_write'
      },
    },
    start_write: {
      does: 'Wait while the file system is frozen; then hold a freeze off until the end.',
      fn: 'sb_start_write',
      when: untilThawed,
      run(k, t) {
        sb_start_write(k, t)
        return 'write'
      },
    },
    write: {
      does: 'Take the inode lock. Without a file descriptor: -EBADF.',
      fn: 'ksys_write',
      when: untilWritable,
      run(k, t) {
        if (t.fd < 0) return t.done(-EBADF)
        k.inodes.at(t.inode).iolock = t.task.id
        return 'copy'
      },
    },
    copy: {
      does: 'Copy straight into the blocks. Mappings and pins see it at once, for the block is the page. Blocks that other files have too are replaced first, and unmapped.',
      fn: 'dax_copy_from_iter',
      when: untilAllSharedUnlocked,
      run(k, t) {
        k.inodes.at(t.inode).iolock = 0
        sb_end_write(k, t)
        if (isShutDown(k, t.inode) || daxOf(k, t.inode)?.alive !== 1) return t.done(-EIO)
        const pages = Math.ceil(k.inodes.at(t.inode).i_size / PAGE_SIZE)
        if (!unshareBlocks(k, t.inode, 0, pages)) return t.done(-ENOSPC)
        for (const { pfn, length } of k.extents.in(t.inode).runs(0, pages))
          writeBlocks(k, pfn, length, t.value)
        return t.done()
      },
    },
  },
})
