import { endlessWait } from '../endless-waits'
import { alwaysByTask } from '../operation'

const REMOVES = new Set(['memunmap_pages', 'kill_dax'])

/** L1 of the DAX sheet, §8.2. */
export const removeReturns = alwaysByTask({
  name: 'removeReturns',
  claim: 'The removal of a device waits only for what will be let go, and so it ends.',
  sources: [{ file: 'mm/memremap.c', fn: 'memunmap_pages', version: '5.12' }],
  byTask: (k, task) => endlessWait(k, task, REMOVES),
})
