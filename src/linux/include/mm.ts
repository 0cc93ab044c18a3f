/** enum vm_fault_reason (include/linux/mm_types.h): what a fault handler returns. */
export const VM_FAULT_SIGBUS = 0x2
export const VM_FAULT_SIGSEGV = 0x40
export const VM_FAULT_NOPAGE = 0x100
export const VM_FAULT_FALLBACK = 0x800

export const PAGE_SIZE = 4096
export const VM_FAULT_OOM = 0x1
export const VM_FAULT_HWPOISON = 0x10
