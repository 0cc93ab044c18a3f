import { choice, int, ref, struct } from '../../arena'

/** Initcall levels in their order (include/linux/init.h), with what is before and behind them. */
export const INITCALL_LEVELS = [
  'none',
  'pure',
  'core',
  'postcore',
  'arch',
  'subsys',
  'fs',
  'rootfs',
  'device',
  'late',
  'run',
] as const

export type InitcallLevel = (typeof INITCALL_LEVELS)[number]

/** How far the boot is, and the variables of which the kernel has one that the boot sets. */
export const Boot = struct('boot', {
  level: choice(INITCALL_LEVELS, 'The initcall level that runs; run: /init does.'),
  sysfs_initialized: int(0, 'drivers/pci/pci-sysfs.c: resource files may be created.'),
  klist: int(0, 'Devices that ever entered the klist of the PCI bus: the next one’s place in it.'),
  pci_rescan_remove_lock: ref('task_struct', 'Who adds or removes PCI devices.'),
  resource_files_lock: ref('task_struct', 'The mutex of the variant that has one.'),
  mmap_wc: int(0, 'arch_can_pci_mmap_wc(): prefetchable BARs have a second file.'),
  oopsed: ref('task_struct', 'Who called iomem_get_mapping() while iomem_inode was NULL.'),
  panicked: int(0, 'Init was killed: nothing runs any more.'),
})
