import { sometimes } from '../operation'

const SLEEPS = new Set(['xfs_break_layouts.sleep', 'ext4_break_layouts.sleep'])

/** Shows that the model gets to the wait at all. */
export const truncateWaits = sometimes({
  name: 'truncateWaits',
  claim: 'A truncate, or the punch of a hole, sleeps until DMA into the file has ended.',
  sources: [
    { file: 'fs/xfs/xfs_inode.c', fn: 'xfs_break_layouts', version: '6.12', evidence: 'recorded' },
  ],
  shown(k) {
    const sleeper = k.tasks.find(
      ({ id }) => SLEEPS.has(k.machine.stepName(id)) && !k.machine.canStep(id),
    )
    return sleeper && { table: 'tasks', id: sleeper.id, says: `${sleeper.name} sleeps` }
  },
})
