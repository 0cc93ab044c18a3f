import { always } from '../operation'

/** The invariant of the small gup-fast model: `rem = 3 => no CPU holds the page`. */
export const removeDoneMeansUnheld = always({
  name: 'removeDoneMeansUnheld',
  claim: 'Once remove() is done, no CPU holds the page.',
  sources: [{ file: 'mm/gup.c', fn: 'gup_fast_pte_range', version: '6.12' }],
  broken(k) {
    if (k.pgmaps.find(({ state }) => state === 'dead') === undefined) return undefined
    const holder = k.tasks.find((task) => k.machine.stepName(task.id) === 'gup_fast_pin_once.unpin')
    return (
      holder && {
        table: 'tasks',
        id: holder.id,
        says: `${holder.name} still holds the page`,
      }
    )
  },
})
