import { deadlockFrom } from '../../machine'
import { alwaysByTask } from '../operation'
import { circleSentence } from '../wait-names'

/** L5 of the DAX sheet, §8.2. */
export const noDeadlock = alwaysByTask({
  name: 'noDeadlock',
  claim: 'Tasks do not wait for each other in a circle.',
  sources: [{ file: 'kernel/locking/lockdep.c', fn: 'check_noncircular', version: '6.12' }],
  byTask(k, task) {
    const circle = deadlockFrom(k, task)
    if (circle === undefined) return undefined
    return { table: 'tasks', id: circle[0] ?? 0, says: circleSentence(k, circle) }
  },
})
