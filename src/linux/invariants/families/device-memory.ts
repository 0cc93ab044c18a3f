import type { Invariant } from '../../../machine'
import type { Kernel } from '../../kernel'
import { handedOutMeansLive } from '../handed-out-means-live'
import { noPinWithoutPage } from '../no-pin-without-page'
import { removeReturns } from '../remove-returns'
import { memoryInvariants } from './memory'

/** Properties of memory that a driver hands out page by page, besides those of anonymous memory. */
export const deviceMemoryInvariants: readonly Invariant<Kernel>[] = [
  handedOutMeansLive,
  noPinWithoutPage,
  removeReturns,
  ...memoryInvariants,
]
