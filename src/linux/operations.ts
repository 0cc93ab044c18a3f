import type { Operation } from '../machine'
import { del_gendisk } from './block/genhd'
import { __device_release_driver } from './drivers/base/dd'
import { kill_dax } from './drivers/dax/super'
import { pmem_attach_disk, pmem_release_disk } from './drivers/nvdimm/pmem'
import { dax_iomap_fault } from './fs/dax'
import { dax_writeback_mapping_range } from './fs/dax-writeback'
import { ext4_break_layouts, ext4_punch_hole, ext4_setattr } from './fs/ext4/inode'
import { createFile, writeFile } from './fs/file'
import { fs_bdev_mark_dead, path_mount, path_umount } from './fs/super'
import { xfs_break_layouts, xfs_file_fallocate, xfs_vn_setattr } from './fs/xfs/xfs_file'
import type { Kernel } from './kernel'
import { __release_region, __request_region } from './kernel/resource'
import {
  __get_user_pages,
  get_user_pages_fast,
  pin_user_pages_fast,
  unpin_user_pages,
} from './mm/gup'
import { gup_fast_pin_once, remove_once } from './mm/gup-race'
import { handle_mm_fault, userLoad, userStore } from './mm/memory'
import { memremap_pages, memunmap_pages } from './mm/memremap'
import { do_mmap, do_munmap } from './mm/mmap'

/**
 * Every operation of the simulated kernel. Links hold an operation's place in this list, so it only
 * grows at its end.
 */
export const operations = [
  userLoad,
  userStore,
  handle_mm_fault,
  dax_iomap_fault,
  dax_writeback_mapping_range,
  do_mmap,
  do_munmap,
  pin_user_pages_fast,
  get_user_pages_fast,
  __get_user_pages,
  unpin_user_pages,
  createFile,
  writeFile,
  xfs_break_layouts,
  xfs_vn_setattr,
  xfs_file_fallocate,
  ext4_break_layouts,
  ext4_setattr,
  ext4_punch_hole,
  path_umount,
  fs_bdev_mark_dead,
  del_gendisk,
  kill_dax,
  pmem_attach_disk,
  pmem_release_disk,
  __device_release_driver,
  memremap_pages,
  memunmap_pages,
  __request_region,
  __release_region,
  gup_fast_pin_once,
  remove_once,
  path_mount,
] as unknown as readonly Operation<Kernel>[]
