import type { Invariant } from '../../machine'
import type { Kernel } from '../kernel'
import { noFreedBlockHeld } from './no-freed-block-held'
import { noPinWithoutPage } from './no-pin-without-page'
import { noPteToDeadPgmap } from './no-pte-to-dead-pgmap'
import { removeDoneMeansUnheld } from './remove-done-means-unheld'
import { truncateWaits } from './truncate-waits'

/** Properties of every machine. */
export const invariants: readonly Invariant<Kernel>[] = [
  noPteToDeadPgmap,
  noPinWithoutPage,
  noFreedBlockHeld,
  truncateWaits,
]

/** Properties of one small model alone. */
export const modelInvariants: readonly Invariant<Kernel>[] = [removeDoneMeansUnheld]
