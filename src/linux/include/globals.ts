import { int, ref, struct, wide } from '../../arena'

/** Variables of which the kernel has one. */
export const Globals = struct('globals', {
  resource_lock: ref('task_struct', 'Who holds resource_lock for writing (kernel/resource.c).'),
  jiffies: int(0, 'Time, in half seconds: HZ is 2 here.'),
  zero_pfn: wide(0, 'The shared zero page (mm/memory.c).'),
  huge_zero_pfn: wide(0, 'Head of the huge zero page (mm/huge_memory.c); 0 before its first use.'),
  mf_mutex: ref('task_struct', 'Who is inside memory_failure() (mm/memory-failure.c).'),
  memory_failure_early_kill: int(0, 'sysctl: signal at detection, not at the next touch.'),
  num_poisoned_pages: wide(0, 'HardwareCorrupted of /proc/meminfo, in pages.'),
})
