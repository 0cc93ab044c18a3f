import { affine, bits, choice, flags, int, ref, struct, text, wide } from '../../arena'

/** struct super_block of a file system on the block device of a namespace. */
export const SuperBlock = struct('super_block', {
  s_type: choice(['xfs', 'ext4', 'tmpfs'], 'The file system.'),
  s_id: text('Name of the block device, as log lines print it.'),
  device: ref('nd_namespace', 'The namespace under it.'),
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
  iolock: ref('task_struct', 'Who holds i_rwsem (IOLOCK) exclusively.'),
  mmaplock: ref('task_struct', 'Who holds invalidate_lock (MMAPLOCK) exclusively: no new faults.'),
  mmaplock_shared: int(0, 'Faults that hold invalidate_lock shared.'),
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
