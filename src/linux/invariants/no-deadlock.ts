import { deadlock } from '../../machine'
import { always } from '../operation'
import { circleName } from '../wait-names'

/** L5 of the DAX sheet, §8.2. */
export const noDeadlock = always({
  name: 'noDeadlock',
  claim: 'Tasks do not wait for each other in a circle.',
  sources: [{ file: 'kernel/locking/lockdep.c', fn: 'check_noncircular', version: '6.12' }],
  broken(k) {
    const circle = deadlock(k)
    if (circle === undefined) return undefined
    return { table: 'tasks', id: circle[0] ?? 0, says: circleName(k, circle) }
  },
})
