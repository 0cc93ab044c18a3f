import { int, ref } from '../../arena'
import { EBUSY, EINVAL, ENOMEM } from '../include/errno'
import type { Kernel } from '../kernel'
import { printk } from '../kernel/printk'
import { operation } from '../operation'
import { END } from './break-layouts'
import { evict } from './inode'
import { isMapped, isOpenInCall } from './open-files'
import { sync_filesystem } from './sync'

/** True while a file of it is mapped, or somebody else is inside a call on one. */
const isInUse = (k: Kernel, superBlock: number, but: number): boolean =>
  k.inodes.find(
    ({ id, i_sb }) => i_sb === superBlock && (isMapped(k, id) || isOpenInCall(k, id, but)),
  ) !== undefined

/** mount(2) with -o dax=always. The kind of file system is the policy's. */
export const path_mount = operation({
  name: 'path_mount',
  does: 'Mounts a file system with DAX on the disk of a namespace.',
  source: { file: 'fs/namespace.c', fn: 'path_mount', version: '6.12' },
  leftOut: 'mkfs, recovery of the log, mount options, and files that are there already.',
  via: ['__x64_sys_mount'],
  start: {
    label: 'Make a file system, and mount it with DAX',
    on: ['namespace'],
    by: 'admin',
    args: (k, { id }) => ({ device: k.namespaces.at(id).id }),
    refuse(k, { device }) {
      if (!k.namespaces.isLive(device)) return 'There is no such namespace.'
      if (k.namespaces.at(device).driver === 'none') return 'No driver is bound: there is no disk.'
      if (mountedOn(k, device) !== undefined)
        return 'A file system is mounted there, or still in use.'
      return k.superBlocks.isFull && unmounted(k) === undefined
        ? 'This simulation has no room for another file system.'
        : undefined
    },
  },
  params: { device: ref('nd_namespace') },
  entry: 'fill_super',
  steps: {
    fill_super: {
      does: 'Read the superblock, and get the dax_device; XFS registers as its holder, ext4 does not.',
      fn: 'get_tree_bdev',
      run(k, t) {
        const { driver, dax, blockdev } = k.namespaces.at(t.device)
        if (driver === 'none' || mountedOn(k, t.device) !== undefined) return t.done(-EBUSY)
        const old = unmounted(k)
        if (old !== undefined) forget(k, old.id)
        const s_type = k.policy.filesystem === 'ext4' ? 'ext4' : 'xfs'
        const s_id = blockdev
        const superBlock = k.superBlocks.alloc({ s_type, s_id, device: t.device, s_daxdev: dax })
        if (superBlock === undefined) return t.done(-ENOMEM)
        if (s_type === 'xfs' && dax !== 0) k.daxDevices.at(dax).holder = superBlock.id
        return t.done(superBlock.id)
      },
    },
  },
})

const mountedOn = (k: Kernel, device: number) =>
  k.superBlocks.find((each) => each.device === device && each.state === 'mounted')

/** A file system that nobody uses any more. */
const unmounted = (k: Kernel) => k.superBlocks.find(({ state }) => state === 'unmounted')

/** mkfs on the same disk: the files of the former file system are no more. */
function forget(k: Kernel, superBlock: number): void {
  for (const { id, i_sb } of k.inodes.rows()) {
    if (i_sb !== superBlock) continue
    k.extents.in(id).clear(0, END)
    k.daxEntries.in(id).clear(0, END)
    k.inodes.free(id)
  }
  k.superBlocks.free(superBlock)
}

/**
 * What unmounting takes out of the tree, and no more: dax_fs_init(), devtmpfs_init() and
 * iomem_init_inode() keep mounts of their own, and what sysfs shows is kept by kernfs.
 */
const KERNELS_OWN: ReadonlySet<string> = new Set(['dax', 'devmem', 'devtmpfs', 'sysfs'])

/** umount(2), also with MNT_DETACH. */
export const path_umount = operation({
  name: 'path_umount',
  does: 'Unmounts the file system.',
  source: { file: 'fs/namespace.c', fn: 'path_umount', version: '6.12', evidence: 'recorded' },
  leftOut: 'Files that are open between two calls; writing back, for what is clean or mapped here.',
  via: ['ksys_umount', '__x64_sys_umount'],
  start: {
    label: 'Unmount',
    on: ['super_block'],
    by: 'admin',
    args: (k, { id }) => ({ superBlock: k.superBlocks.at(id).id, lazy: 0 }),
    refuse: (k, { superBlock }) => {
      if (!k.superBlocks.isLive(superBlock)) return 'There is no such file system.'
      const { state, s_type, s_id } = k.superBlocks.at(superBlock)
      if (KERNELS_OWN.has(s_type) || KERNELS_OWN.has(s_id))
        return 'Its files are the kernel’s own, and stay: the kernel has it mounted as well.'
      return state === 'mounted' ? undefined : 'It is not mounted.'
    },
  },
  params: { superBlock: ref('super_block'), lazy: int() },
  entry: 'umount',
  steps: {
    umount: {
      does: 'Files that are mapped, or open, keep a file system busy; a lazy unmount only takes it out of the tree.',
      fn: 'do_umount',
      run(k, t) {
        const superBlock = k.superBlocks.at(t.superBlock)
        if (superBlock.state !== 'mounted') return t.done(-EINVAL)
        const busy = isInUse(k, t.superBlock, t.task.id)
        if (busy && t.lazy === 0) return t.done(-EBUSY)
        superBlock.state = busy ? 'detached' : 'unmounted'
        if (busy) return t.done()
        return 'evict'
      },
    },
    evict: {
      does: 'Evict every inode: the entries go, whoever still holds a page of them.',
      fn: 'evict_inodes',
      run(k, t) {
        const inode = k.inodes.find(
          ({ id, i_sb }) => i_sb === t.superBlock && k.daxEntries.in(id).runs().length > 0,
        )
        return inode === undefined ? 'put_super' : t.call(evict, { inode: inode.id }, 'evict')
      },
    },
    put_super: {
      does: 'The file system lets the device go.',
      fn: 'generic_shutdown_super',
      run(k, t) {
        const dax = k.daxDevices.find(({ holder }) => holder === t.superBlock)
        if (dax !== undefined) dax.holder = 0
        k.superBlocks.at(t.superBlock).s_daxdev = 0
        return t.done()
      },
    },
  },
})

/** What del_gendisk() does to a file system that is in use, from about 6.5 on: sync it, then shut it down. */
export const fs_bdev_mark_dead = operation({
  name: 'fs_bdev_mark_dead',
  does: 'Tells the file system that its disk goes: it is synced, and then shut down.',
  source: {
    file: 'fs/super.c',
    fn: 'fs_bdev_mark_dead',
    version: '6.12',
    evidence: 'recorded',
    note: 'Recorded on XFS; for ext4 it is deduced, and its log line is from memory.',
  },
  leftOut: 'Metadata, the log, and the page cache.',
  params: { superBlock: ref('super_block') },
  entry: 'sync',
  steps: {
    sync: {
      does: 'Sync: write every dirty file back. DAX mappings become read-only by it.',
      fn: 'sync_filesystem',
      run: (_k, t) => t.call(sync_filesystem, { superBlock: t.superBlock }, 'shutdown'),
    },
    shutdown: {
      does: 'Shut the file system down: every later operation on it fails with -EIO.',
      fn: 'xfs_fs_shutdown',
      run(k, t) {
        const superBlock = k.superBlocks.at(t.superBlock)
        if (superBlock.shutdown !== 'no') return t.done()
        superBlock.shutdown = 'DEVICE_REMOVED'
        printk(k, shutdownLine(superBlock.s_type, superBlock.s_id))
        return t.done()
      },
    },
  },
})

/** The line that the file system logs; XFS's was recorded, ext4's is from memory. */
const shutdownLine = (s_type: string, s_id: string): string =>
  s_type === 'xfs'
    ? `XFS (${s_id}): Block device removal (0x20) detected at fs_bdev_mark_dead (fs/xfs/xfs_super.c).  Shutting down filesystem.`
    : `EXT4-fs (${s_id}): shut down requested (2)`
