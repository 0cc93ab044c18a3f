import type { Operation } from '../machine'
import { del_gendisk } from './block/genhd'
import { __device_release_driver } from './drivers/base/dd'
import { kill_dax } from './drivers/dax/super'
import { dmaRead, dmaWrite } from './drivers/dma/engine'
import { pmem_attach_disk, pmem_release_disk } from './drivers/nvdimm/pmem'
import { dax_iomap_fault } from './fs/dax'
import { dax_writeback_mapping_range } from './fs/dax-writeback'
import { bio_endio, directRead } from './fs/direct-io'
import { ext4_break_layouts, ext4_punch_hole, ext4_setattr } from './fs/ext4/inode'
import { createFile, writeFile } from './fs/file'
import { clear_refs_write } from './fs/proc/task_mmu'
import { link_pipe, pipe_read, vmsplice_to_pipe } from './fs/splice'
import { fs_bdev_mark_dead, path_mount, path_umount } from './fs/super'
import { xfs_break_layouts, xfs_file_fallocate, xfs_vn_setattr } from './fs/xfs/xfs_file'
import type { Kernel } from './kernel'
import { do_exit, exit_mmap } from './kernel/exit'
import { kernel_clone } from './kernel/fork'
import { __release_region, __request_region } from './kernel/resource'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from './mm/gup'
import { gup_fast_pin_once, remove_once } from './mm/gup-race'
import { __get_user_pages, __gup_longterm_locked } from './mm/gup-slow'
import { do_huge_pmd_anonymous_page, do_huge_pmd_wp_page } from './mm/huge_memory'
import { cmp_and_merge_page } from './mm/ksm'
import { do_madvise } from './mm/madvise'
import { handle_mm_fault } from './mm/memory'
import { do_anonymous_page } from './mm/memory-anon'
import { wp_page_copy } from './mm/memory-copy'
import { do_fault } from './mm/memory-file'
import { copy_page_range } from './mm/memory-fork'
import { do_swap_page } from './mm/memory-swap'
import { do_wp_page } from './mm/memory-wp'
import { unmap_page_range } from './mm/memory-zap'
import { memremap_pages, memunmap_pages } from './mm/memremap'
import { migrate_folio } from './mm/migrate'
import { do_mmap, do_munmap, mapAnonymous } from './mm/mmap'
import { mprotect_fixup } from './mm/mprotect'
import { shmem_setattr } from './mm/shmem'
import { lru_add_drain_cpu } from './mm/swap'
import { userLoad, userStore } from './mm/user-access'
import { shrink_folio_list } from './mm/vmscan'

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
  mapAnonymous,
  __gup_longterm_locked,
  do_anonymous_page,
  do_wp_page,
  wp_page_copy,
  do_swap_page,
  do_fault,
  unmap_page_range,
  copy_page_range,
  do_huge_pmd_anonymous_page,
  do_huge_pmd_wp_page,
  kernel_clone,
  do_exit,
  exit_mmap,
  do_madvise,
  mprotect_fixup,
  clear_refs_write,
  lru_add_drain_cpu,
  shrink_folio_list,
  migrate_folio,
  cmp_and_merge_page,
  shmem_setattr,
  vmsplice_to_pipe,
  pipe_read,
  link_pipe,
  directRead,
  bio_endio,
  dmaWrite,
  dmaRead,
] as unknown as readonly Operation<Kernel>[]
