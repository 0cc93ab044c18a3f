import { ref, struct, wide } from '../../arena'

/** Variables of which the kernel has one. */
export const Globals = struct('globals', {
  resource_lock: ref('task_struct', 'Who holds resource_lock for writing (kernel/resource.c).'),
  zero_pfn: wide(0, 'The shared zero page (mm/memory.c).'),
  huge_zero_pfn: wide(0, 'Head of the huge zero page (mm/huge_memory.c); 0 before its first use.'),
})
