import type { Operation } from '../machine'
import { del_gendisk } from './block/genhd'
import { __device_release_driver } from './drivers/base/dd'
import { dax_mmap, dev_dax_attach, dev_dax_remove } from './drivers/dax/device'
import { dev_dax_huge_fault } from './drivers/dax/device-fault'
import { replaceDevice } from './drivers/dax/replace'
import { kill_dax } from './drivers/dax/super'
import { pmem_attach_disk, pmem_release_disk } from './drivers/nvdimm/pmem'
import { pmem_pagemap_kill } from './drivers/nvdimm/pmem-kill'
import { dax_break_layout_final } from './fs/break-layouts'
import { dax_iomap_fault } from './fs/dax'
import { dax_fault_cow_page } from './fs/dax-cow'
import { dax_finish_sync_fault } from './fs/dax-sync'
import { dax_writeback_mapping_range } from './fs/dax-writeback'
import { createFile, writeFile } from './fs/file'
import { evict, filp_close, vfs_unlink } from './fs/inode'
import { fs_bdev_mark_dead, path_mount, path_umount } from './fs/super'
import { sync_filesystem, vfs_fsync_range } from './fs/sync'
import { xfs_dax_notify_failure } from './fs/xfs/xfs_notify_failure'
import type { Kernel } from './kernel'
import { __release_region, __request_region, release_region } from './kernel/resource'
import { revoke_iomem } from './kernel/resource-revoke'
import { do_send_sig_info } from './kernel/signal'
import { do_huge_pmd_anonymous_page, do_huge_pmd_wp_page } from './mm/huge_memory'
import { handle_mm_fault } from './mm/memory'
import { do_anonymous_page } from './mm/memory-anon'
import { wp_page_copy } from './mm/memory-copy'
import { do_cow_fault } from './mm/memory-cow'
import { memory_failure_dev_pagemap } from './mm/memory-failure-dax'
import { do_fault } from './mm/memory-file'
import { do_swap_page } from './mm/memory-swap'
import { do_wp_page } from './mm/memory-wp'
import { unmap_page_range } from './mm/memory-zap'
import { memremap_pages, memunmap_pages } from './mm/memremap'
import { do_mmap, do_munmap, mapAnonymous } from './mm/mmap'
import { lru_add_drain_cpu } from './mm/swap'
import { userLoad, userStore } from './mm/user-access'

/**
 * What the page opens with: the operations that the first scenario runs, with all that they bring
 * along. The others are most of the engine, and arrive when the page is there.
 */
export const openingOperations = [
  userLoad,
  userStore,
  handle_mm_fault,
  dax_iomap_fault,
  dax_writeback_mapping_range,
  do_mmap,
  do_munmap,
  createFile,
  writeFile,
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
  path_mount,
  mapAnonymous,
  do_anonymous_page,
  do_wp_page,
  wp_page_copy,
  do_swap_page,
  do_fault,
  unmap_page_range,
  do_huge_pmd_anonymous_page,
  do_huge_pmd_wp_page,
  lru_add_drain_cpu,
  evict,
  vfs_unlink,
  filp_close,
  dax_break_layout_final,
  memory_failure_dev_pagemap,
  do_send_sig_info,
  xfs_dax_notify_failure,
  dev_dax_attach,
  dax_mmap,
  dev_dax_huge_fault,
  dev_dax_remove,
  sync_filesystem,
  pmem_pagemap_kill,
  replaceDevice,
  vfs_fsync_range,
  dax_finish_sync_fault,
  do_cow_fault,
  dax_fault_cow_page,
  release_region,
  revoke_iomem,
] as unknown as readonly Operation<Kernel>[]
