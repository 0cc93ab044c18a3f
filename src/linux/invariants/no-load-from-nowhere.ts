import { always } from '../operation'

/** S8 of the DAX sheet, §8.1. */
export const noLoadFromNowhere = always({
  name: 'noLoadFromNowhere',
  claim: 'No task continues with data that it read from a link that is down.',
  sources: [
    {
      file: 'arch/x86/kernel/cpu/mce/core.c',
      fn: 'do_machine_check',
      version: '6.12',
      evidence: 'memory',
      note: 'What a load gets is platform dependent.',
    },
  ],
  broken(k) {
    for (const { task, answer, pfn } of k.fabricLoads.rows()) {
      const { name, signal } = k.tasks.at(task)
      if (signal !== 'none') continue
      const got = answer === 'all_ones' ? 'all-ones from a link that is down' : 'a decode error'
      const says = `${name} read ${got} at page 0x${pfn.toString(16)}, and goes on`
      return { table: 'tasks', id: task, says }
    }
    return undefined
  },
})
