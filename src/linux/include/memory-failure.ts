import { bits, int, ref, struct, wide } from '../../arena'
import { MF } from './mm'

/** What memory_failure() is told: the page, and MF_* flags. */
export const lossParams = { pfn: wide(), flags: bits(MF) }

/** struct to_kill (mm/memory-failure.c), by position in the list of the thread that handles the error. */
export const ToKill = struct('to_kill', {
  tsk: ref('task_struct', 'Who will be signalled.'),
  addr: wide(0, 'The virtual page at which it maps the lost page.'),
  size_shift: int(0, 'How much of its memory that entry maps, as a power of two.'),
})

/** enum mf_result (include/linux/mm.h): what became of the page, worst first. */
export type MfResult = 'IGNORED' | 'FAILED' | 'DELAYED' | 'RECOVERED'
