import type { Operation } from '../machine'
import { del_gendisk } from './block/genhd'
import { __device_release_driver } from './drivers/base/dd'
import { state_store } from './drivers/base/memory'
import { cxlDisableRegion } from './drivers/cxl/disable'
import {
  cxl_decoder_kill_region,
  pciehp_configure_device,
  pciehp_unconfigure_device,
  pullCable,
} from './drivers/cxl/hotplug'
import {
  commit_store,
  cxl_region_probe,
  delete_region,
  device_release_region,
} from './drivers/cxl/region'
import { create_region, cxl_region_attach } from './drivers/cxl/region-create'
import { cxl_region_decode_commit, cxl_region_decode_reset } from './drivers/cxl/region-program'
import { dax_bus_remove, dev_dax_probe, unregister_dev_dax } from './drivers/dax/bus'
import { dax_mmap, dev_dax_attach, dev_dax_remove } from './drivers/dax/device'
import { dev_dax_huge_fault } from './drivers/dax/device-fault'
import { dev_dax_kmem_probe, dev_dax_kmem_remove } from './drivers/dax/kmem'
import { replaceDevice } from './drivers/dax/replace'
import { kill_dax } from './drivers/dax/super'
import { dmaRead, dmaWrite } from './drivers/dma/engine'
import {
  dmirror_allocate_chunk,
  dmirror_device_remove,
  dmirror_devmem_fault,
  dmirror_migrate_to_device,
} from './drivers/hmm/test_hmm'
import { ib_umem_get, ib_umem_release } from './drivers/infiniband/umem'
import { ib_umem_odp_get, ib_umem_odp_release, odpWrite } from './drivers/infiniband/umem-odp'
import { pmem_attach_disk, pmem_release_disk } from './drivers/nvdimm/pmem'
import { pmem_submit_bio } from './drivers/nvdimm/pmem-bio'
import { pmem_pagemap_kill } from './drivers/nvdimm/pmem-kill'
import { p2pmem_alloc_mmap, pci_p2pdma_add_resource, pci_p2pdma_remove } from './drivers/pci/p2pdma'
import { dax_break_layout_final } from './fs/break-layouts'
import { dax_iomap_fault } from './fs/dax'
import { dax_fault_cow_page } from './fs/dax-cow'
import { dax_lease_break_work, dax_lease_reap_work, update_wall_time } from './fs/dax-lease'
import { daxRead, daxWrite } from './fs/dax-rw'
import { dax_finish_sync_fault } from './fs/dax-sync'
import { dax_writeback_mapping_range } from './fs/dax-writeback'
import { bio_endio, directRead } from './fs/direct-io'
import { ext4_break_layouts, ext4_punch_hole, ext4_setattr } from './fs/ext4/inode'
import { createFile, writeFile } from './fs/file'
import { evict, filp_close, vfs_unlink } from './fs/inode'
import { clear_refs_write } from './fs/proc/task_mmu'
import { link_pipe, pipe_read, vmsplice_to_pipe } from './fs/splice'
import { fs_bdev_mark_dead, path_mount, path_umount } from './fs/super'
import { sync_filesystem, vfs_fsync_range } from './fs/sync'
import { xfs_break_layouts, xfs_file_fallocate, xfs_vn_setattr } from './fs/xfs/xfs_file'
import { xfs_dax_notify_failure } from './fs/xfs/xfs_notify_failure'
import { xfs_file_remap_range } from './fs/xfs/xfs_reflink'
import type { Kernel } from './kernel'
import { do_exit, exit_mmap } from './kernel/exit'
import { kernel_clone } from './kernel/fork'
import { __release_region, __request_region } from './kernel/resource'
import { do_send_sig_info } from './kernel/signal'
import { prctlMceKill } from './kernel/sys'
import { get_user_pages_fast, pin_user_pages_fast, unpin_user_pages } from './mm/gup'
import { gup_fast_pin_once, remove_once } from './mm/gup-race'
import { __get_user_pages, __gup_longterm_locked } from './mm/gup-slow'
import { do_huge_pmd_anonymous_page, do_huge_pmd_wp_page } from './mm/huge_memory'
import { split_huge_page } from './mm/huge_memory-split'
import { injectPoison } from './mm/hwpoison-inject'
import { cmp_and_merge_page } from './mm/ksm'
import { do_madvise } from './mm/madvise'
import { madviseHwpoison, madviseSoftOffline } from './mm/madvise-inject'
import { handle_mm_fault } from './mm/memory'
import {
  add_memory_driver_managed,
  offline_pages,
  online_pages,
  remove_memory,
} from './mm/memory_hotplug'
import { do_anonymous_page } from './mm/memory-anon'
import { wp_page_copy } from './mm/memory-copy'
import { do_cow_fault } from './mm/memory-cow'
import { memory_failure } from './mm/memory-failure'
import { memory_failure_dev_pagemap } from './mm/memory-failure-dax'
import { do_fault } from './mm/memory-file'
import { copy_page_range } from './mm/memory-fork'
import { do_swap_page } from './mm/memory-swap'
import { do_wp_page } from './mm/memory-wp'
import { unmap_page_range } from './mm/memory-zap'
import { memremap_pages, memunmap_pages } from './mm/memremap'
import { migrate_folio } from './mm/migrate'
import { migrate_vma } from './mm/migrate_device'
import { migrate_pages } from './mm/migrate-pages'
import { do_mmap, do_munmap, mapAnonymous } from './mm/mmap'
import { mapSync } from './mm/mmap-sync'
import { mprotect_fixup } from './mm/mprotect'
import { shmem_setattr } from './mm/shmem'
import { soft_offline_page } from './mm/soft-offline'
import { lru_add_drain_cpu } from './mm/swap'
import { userLoad, userStore } from './mm/user-access'
import { shrink_folio_list } from './mm/vmscan'
import { laterOperations } from './operations-later'
import { hva_to_pfn_slow } from './virt/kvm/kvm_main'

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
  evict,
  vfs_unlink,
  filp_close,
  dax_break_layout_final,
  memory_failure,
  memory_failure_dev_pagemap,
  split_huge_page,
  soft_offline_page,
  madviseHwpoison,
  madviseSoftOffline,
  injectPoison,
  daxRead,
  daxWrite,
  state_store,
  cxlDisableRegion,
  cxl_decoder_kill_region,
  pciehp_configure_device,
  pciehp_unconfigure_device,
  pullCable,
  commit_store,
  cxl_region_decode_commit,
  cxl_region_decode_reset,
  cxl_region_probe,
  delete_region,
  device_release_region,
  create_region,
  cxl_region_attach,
  dax_bus_remove,
  dev_dax_probe,
  unregister_dev_dax,
  dev_dax_kmem_probe,
  dev_dax_kmem_remove,
  do_send_sig_info,
  add_memory_driver_managed,
  offline_pages,
  online_pages,
  remove_memory,
  migrate_pages,
  xfs_dax_notify_failure,
  dev_dax_attach,
  dax_mmap,
  dev_dax_huge_fault,
  dev_dax_remove,
  dax_lease_break_work,
  dax_lease_reap_work,
  update_wall_time,
  sync_filesystem,
  pmem_pagemap_kill,
  replaceDevice,
  ib_umem_get,
  ib_umem_release,
  ib_umem_odp_get,
  odpWrite,
  prctlMceKill,
  hva_to_pfn_slow,
  ib_umem_odp_release,
  pmem_submit_bio,
  migrate_vma,
  dmirror_allocate_chunk,
  dmirror_migrate_to_device,
  dmirror_devmem_fault,
  dmirror_device_remove,
  pci_p2pdma_add_resource,
  p2pmem_alloc_mmap,
  pci_p2pdma_remove,
  mapSync,
  vfs_fsync_range,
  dax_finish_sync_fault,
  do_cow_fault,
  dax_fault_cow_page,
  xfs_file_remap_range,
  ...laterOperations,
] as unknown as readonly Operation<Kernel>[]
