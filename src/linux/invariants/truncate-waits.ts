import { sometimesByTask } from '../operation'

const SLEEPS = new Set(['xfs_break_layouts.sleep', 'ext4_break_layouts.sleep'])

/** Shows that the model gets to the wait at all. */
export const truncateWaits = sometimesByTask({
  name: 'truncateWaits',
  claim: 'A truncate, or the punch of a hole, sleeps until DMA into the file has ended.',
  sources: [
    { file: 'fs/xfs/xfs_inode.c', fn: 'xfs_break_layouts', version: '6.12', evidence: 'recorded' },
  ],
  byTask(k, task) {
    if (!SLEEPS.has(k.machine.stepName(task)) || k.machine.canStep(task)) return undefined
    return { table: 'tasks', id: task, says: `${k.tasks.at(task).name} sleeps` }
  },
})
