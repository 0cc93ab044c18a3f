import { affine, bits, choice, flags, int, ref, struct, text, wide } from '../../arena'

/** struct super_block of a file system on the block device of a namespace. */
export const SuperBlock = struct('super_block', {
  s_type: choice(
    ['xfs', 'ext4', 'tmpfs', 'dax', 'sysfs', 'devmem'],
    'The file system; dax is where device-dax nodes have their pages.',
  ),
  frozen: int(0, 'SB_FREEZE_*: writes, truncates and write faults wait while it is set.'),
  pagefaults: int(
    0,
    's_writers[SB_FREEZE_PAGEFAULT]: write faults under way, which a freeze awaits.',
  ),
  writers: int(0, 's_writers[SB_FREEZE_WRITE]: changes of files under way, which a freeze awaits.'),
  s_id: text('Name of the block device, as log lines print it.'),
  device: ref('nd_namespace', 'The namespace under it.'),
  s_daxdev: ref(
    'dax_device',
    'bt_daxdev of XFS, s_daxdev of ext4: stays what it was at the mount.',
  ),
  state: choice(['mounted', 'detached', 'unmounted'], 'detached: unmounted lazily, still in use.'),
  shutdown: choice(
    ['no', 'DEVICE_REMOVED', 'FORCE_UMOUNT', 'CORRUPT_ONDISK'],
    'Why it was shut down.',
  ),
})

/** struct inode with its address_space. */
export const Inode = struct('inode', {
  name: text('Path below the mount point.'),
  i_ino: int(0, 'Inode number.'),
  i_sb: ref('super_block', 'The file system.'),
  i_size: wide(0, 'Size in bytes.'),
  i_nlink: int(1, 'Names that the inode has.'),
  i_opens: int(0, 'struct files that have it open.'),
  iolock: ref('task_struct', 'Who holds i_rwsem (IOLOCK) exclusively.'),
  mmaplock: ref('task_struct', 'Who holds invalidate_lock (MMAPLOCK) exclusively: no new faults.'),
  freeing: int(0, 'I_FREEING: it is being evicted.'),
  wb_err: int(0, 'mapping->wb_err: the error that the next fsync() reports.'),
  mmaplock_shared: int(0, 'Faults that hold invalidate_lock shared.'),
  datasync_dirty: int(
    0,
    'Its blocks have changed, and the log on disk does not know yet: ext4_inode_datasync_dirty(), i_pincount of XFS.',
  ),
})

/** struct dax_lease of the series of October 2017, which was not merged (dax sheet §3.4). */
export const DaxLease = struct('dax_lease', {
  inode: ref('inode', 'The file whose pages are under DMA.'),
  handle: ref('pin_handle', 'The pages: dl_pages.'),
  dl_count: int(
    2,
    'References: being listed, the reap work, and the break work while it is queued.',
  ),
  listed: int(1, 'It is on flc_lease, as FL_ALLOCATED, or as FL_LAYOUT.'),
  pages: int(0, 'dl_state PAGES: the list of pages is there.'),
  breaking: int(0, 'dl_state BREAK: somebody breaks it.'),
  reap_due: int(-1, 'When the reap work runs, in jiffies; -1: not queued.'),
  break_due: int(-1, 'When the break work runs; -1: not queued.'),
})

/** DAX_*: fs/dax.c, low bits of the value stored in i_pages. */
export const DAX = flags({ locked: 0, pmd: 1, zero_page: 2, empty: 3 })

/** Marks of an entry in i_pages: include/linux/fs.h PAGECACHE_TAG_*. */
export const TAG = flags({ dirty: 0, towrite: 1 })

/** A DAX entry of address_space.i_pages, by file page; a PMD entry covers 512 of them. */
export const DaxEntry = struct('dax_entry', {
  pfn: affine('The page; none where the entry is empty or the zero page.'),
  flags: bits(DAX, 'DAX_* bits.'),
  marks: bits(TAG, 'DIRTY and TOWRITE.'),
  holder: ref('task_struct', 'Who set the lock bit; not in the kernel, where it is one bit.'),
})

/** An extent, by file page: file offset to block, and on DAX the block is the page. */
export const Extent = struct('extent', {
  pfn: affine('The block, as the pfn that it is.'),
})

/** What a file of an ordinary disk has on the disk, by file page. No row: zeroes. */
export const DiskBlock = struct('disk_block', {
  value: int(0, 'Byte 0 of the page as it was last written out.'),
  rest: int(0, 'Byte 512 of it.'),
})
