import { choice, int, ref, struct } from '../../arena'

/** Pages of a memory block: 128 MiB (x86 with less than 64 GiB of RAM). */
export const MEMORY_BLOCK_PAGES = 32_768
export const MEMORY_BLOCK_SIZE = MEMORY_BLOCK_PAGES * 4096

/** struct memory_block (include/linux/memory.h), by number: HPA >> 27. Those that were hot-added. */
export const MemoryBlock = struct('memory_block', {
  state: choice(['offline', 'going_offline', 'online'], 'MEM_*, as in its file `state`.'),
  zone: choice(['MOVABLE', 'NORMAL'], 'The zone that it is, or was, online in.'),
  isolated: int(0, 'MIGRATE_ISOLATE: free pages of the block are not handed out.'),
  dax: ref('dev_dax', 'The device that added it.'),
})

/** Variables of mm/memory_hotplug.c and mm/swap.c of which the kernel has one. */
export const MemoryHotplug = struct('memory_hotplug', {
  device_hotplug_lock: ref('task_struct', 'Who adds, removes, onlines or offlines memory.'),
  lru_disable_count: int(0, 'LRU batches are off while it is not 0.'),
})

/** A signal that a thread has not taken yet. */
export const PendingSignal = struct('pending_signal', {
  task: ref('task_struct', 'Who is to take it.'),
  signal: choice(['SIGINT', 'SIGKILL'], 'Which.'),
})
