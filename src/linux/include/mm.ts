import { flags } from '../../arena'

/** MF_*: how memory_failure() is called (include/linux/mm.h, 6.12). */
export const MF = flags({
  count_increased: 0,
  action_required: 1,
  must_kill: 2,
  soft_offline: 3,
  unpoison: 4,
  sw_simulated: 5,
  no_retry: 6,
  mem_pre_remove: 7,
  /** Of the series of March 2021, which had it at bit 4. */
  mem_remove: 8,
})

/** enum vm_fault_reason (include/linux/mm_types.h): what a fault handler returns. */
export const VM_FAULT_SIGBUS = 0x2
export const VM_FAULT_SIGSEGV = 0x40
export const VM_FAULT_NOPAGE = 0x100
export const VM_FAULT_FALLBACK = 0x800
/** The page was copied for a private mapping, and the copy is mapped. */
export const VM_FAULT_DONE_COW = 0x1000
/** MAP_SYNC: the file system must sync before the page may be mapped writable. */
export const VM_FAULT_NEEDDSYNC = 0x2000

export const PAGE_SIZE = 4096
export const VM_FAULT_OOM = 0x1
export const VM_FAULT_HWPOISON = 0x10
