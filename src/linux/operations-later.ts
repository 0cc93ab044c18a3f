import { irqentry_enter, irqentry_exit } from './arch/x86/entry/common'
import { __schedule, copy_thread, flush_thread } from './arch/x86/kernel/process'
import { machine_restart } from './arch/x86/kernel/reboot'
import { kernelLoad, kernelStore } from './arch/x86/mm/fault'
import { create_initial_pkrs_value, setup_pks } from './arch/x86/mm/pkeys'
import { driverStore } from './drivers/base/driver-store'
import { mmap_mem } from './drivers/char/mem'
import { read_mem, write_mem } from './drivers/char/mem-rw'
import { nd_pmem_probe } from './drivers/nvdimm/pmem-probe'
import { pmemRead } from './drivers/nvdimm/pmem-read'
import { pci_bus_add_device } from './drivers/pci/bus'
import { board_added, pci_stop_and_remove_bus_device } from './drivers/pci/hotplug'
import { pci_mmap_resource, proc_bus_pci_mmap } from './drivers/pci/mmap'
import { pci_sysfs_init } from './drivers/pci/pci-sysfs'
import { pci_device_add, pci_host_probe } from './drivers/pci/probe'
import { createFilesOnce, pci_create_resource_files } from './drivers/pci/resource-files'
import { uio_mmap_physical } from './drivers/uio/uio'
import { vfio_pci_core_mmap } from './drivers/vfio/pci/vfio_pci_core'
import { iommuDmaWrite, vfio_dma_do_map } from './drivers/vfio/vfio_iommu_type1'
import { chrdev_open, open_port, openResource, proc_bus_pci_open } from './fs/open-iomem'
import { catIomem } from './fs/proc/iomem-read'
import { sysfs_kf_bin_open } from './fs/sysfs/file'
import { do_initcalls } from './init/main'
import { iomem_init_inode } from './kernel/iomem-init'
import { release_region } from './kernel/resource'
import { revoke_iomem } from './kernel/resource-revoke'
import { dev_access_disable, dev_access_enable } from './mm/devmap-protection'
import { kmapPage, kunmapPage } from './mm/highmem'
import { mmap_region } from './mm/mmap-iomem'
import { guestStore, hva_to_pfn_remapped } from './virt/kvm/kvm_pfnmap'

/** The end of the list of operations, which grows here. */
export const laterOperations = [
  do_initcalls,
  pci_host_probe,
  pci_device_add,
  pci_bus_add_device,
  pci_sysfs_init,
  pci_create_resource_files,
  createFilesOnce,
  board_added,
  pci_stop_and_remove_bus_device,
  sysfs_kf_bin_open,
  kmapPage,
  kunmapPage,
  dev_access_enable,
  dev_access_disable,
  kernelStore,
  kernelLoad,
  irqentry_enter,
  irqentry_exit,
  __schedule,
  copy_thread,
  flush_thread,
  setup_pks,
  create_initial_pkrs_value,
  machine_restart,
  pmemRead,
  release_region,
  revoke_iomem,
  iomem_init_inode,
  open_port,
  openResource,
  proc_bus_pci_open,
  chrdev_open,
  mmap_region,
  mmap_mem,
  pci_mmap_resource,
  proc_bus_pci_mmap,
  uio_mmap_physical,
  vfio_pci_core_mmap,
  read_mem,
  write_mem,
  catIomem,
  driverStore,
  nd_pmem_probe,
  vfio_dma_do_map,
  iommuDmaWrite,
  hva_to_pfn_remapped,
  guestStore,
] as const
