import { int, ref, struct, wide } from '../../arena'

/** Variables of which the kernel has one. */
export const Globals = struct('globals', {
  resource_lock: ref('task_struct', 'Who holds resource_lock for writing (kernel/resource.c).'),
  resource_readers: int(0, 'How many hold resource_lock for reading.'),
  ioport_resource: ref('resource', 'The root of the tree of I/O ports; NULL where there is none.'),
  iomem_inode: ref('inode', 'Its i_mmap has every mapping of /dev/mem; NULL before fs_initcall.'),
  iomem_mmap_readers: int(0, 'How many hold i_mmap_rwsem of iomem_inode for reading.'),
  jiffies: int(0, 'Time, in half seconds: HZ is 2 here.'),
  zero_pfn: wide(0, 'The shared zero page (mm/memory.c).'),
  huge_zero_pfn: wide(0, 'Head of the huge zero page (mm/huge_memory.c); 0 before its first use.'),
  mf_mutex: ref('task_struct', 'Who is inside memory_failure() (mm/memory-failure.c).'),
  memory_failure_early_kill: int(0, 'sysctl: signal at detection, not at the next touch.'),
  num_poisoned_pages: wide(0, 'HardwareCorrupted of /proc/meminfo, in pages.'),
})
