import { alwaysByTask } from '../operation'

/** L6 of the DAX sheet, §8.2: pins are finite, and yet it is the only wait of these that no signal ends. */
export const evictionReturns = alwaysByTask({
  name: 'evictionReturns',
  claim: 'The last close of a deleted file does not sleep on a pin, where no signal can end it.',
  sources: [{ file: 'fs/dax.c', fn: 'dax_break_layout_final', version: '6.15' }],
  byTask(k, task) {
    if (k.machine.stepName(task) !== 'dax_break_layout_final.wait') return undefined
    const waiting = k.machine.waiting(task)
    return (
      waiting && {
        table: 'tasks',
        id: task,
        says: `${k.tasks.at(task).name} ${waiting.reason}`,
      }
    )
  },
})
