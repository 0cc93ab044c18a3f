import { always } from '../operation'

/** L6 of the DAX sheet, §8.2: pins are finite, and yet it is the only wait of these that no signal ends. */
export const evictionReturns = always({
  name: 'evictionReturns',
  claim: 'The last close of a deleted file does not sleep on a pin, where no signal can end it.',
  sources: [{ file: 'fs/dax.c', fn: 'dax_break_layout_final', version: '6.15' }],
  broken(k) {
    const sleeper = k.tasks.find(
      ({ id }) =>
        k.machine.stepName(id) === 'dax_break_layout_final.wait' && !k.machine.canStep(id),
    )
    return (
      sleeper && {
        table: 'tasks',
        id: sleeper.id,
        says: `${sleeper.name} ${k.machine.waiting(sleeper.id)?.reason}`,
      }
    )
  },
})
