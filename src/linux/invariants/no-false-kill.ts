import { inSeries } from '../arch/x86/mm/pkeys'
import { faultCode } from '../arch/x86/pkeys'
import { always } from '../operation'

/** I13 of the PKS sheet, §6. */
export const noFalseKill = always({
  name: 'noFalseKill',
  claim:
    'Who goes by a mapping that is open, and that its kernel makes windows for, is not killed.',
  sources: [inSeries('include/linux/highmem.h', 'kmap_thread')],
  broken(k) {
    const killed = k.pkrsThreads.find(({ dead, rightful }) => dead === 1 && rightful === 1)
    if (killed === undefined) return undefined
    const { task, oops_pfn, error_code } = killed
    const how = error_code === faultCode(true) ? 'wrote' : 'read'
    const code = error_code.toString(16)
    const says = `${k.tasks.at(task).name} ${how} page 0x${oops_pfn.toString(16)} by a mapping, and was killed (0x${code})`
    return { table: 'tasks', id: task, says }
  },
})
