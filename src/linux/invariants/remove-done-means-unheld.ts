import { alwaysByTask } from '../operation'

/** The invariant of the small gup-fast model: `rem = 3 => no CPU holds the page`. */
export const removeDoneMeansUnheld = alwaysByTask({
  name: 'removeDoneMeansUnheld',
  claim: 'Once remove() is done, no CPU holds the page.',
  sources: [{ file: 'mm/gup.c', fn: 'gup_fast_pte_range', version: '6.12' }],
  when: (k) => k.pgmaps.find(({ state }) => state === 'dead') !== undefined,
  byTask(k, task) {
    if (k.machine.stepName(task) !== 'gup_fast_pin_once.unpin') return undefined
    return { table: 'tasks', id: task, says: `${k.tasks.at(task).name} still holds the page` }
  },
})
