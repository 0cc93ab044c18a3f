import type { Invariant } from '../../../machine'
import type { Kernel } from '../../kernel'
import { conservation } from '../conservation'
import { dmaKeepsDevice } from '../dma-keeps-device'
import { dmaKeepsOwner } from '../dma-keeps-owner'
import { entryMadeUnderLocks } from '../entry-made-under-locks'
import { entryMatchesFile } from '../entry-matches-file'
import { evictionReturns } from '../eviction-returns'
import { gupReturns } from '../gup-returns'
import { leaseCountsUsers } from '../lease-counts-users'
import { noDeadlock } from '../no-deadlock'
import { noFreedBlockHeld } from '../no-freed-block-held'
import { noPinWithoutPage } from '../no-pin-without-page'
import { noPteToDeadPgmap } from '../no-pte-to-dead-pgmap'
import { removeReturns } from '../remove-returns'
import { truncateReturns } from '../truncate-returns'
import { truncateWaits } from '../truncate-waits'

/** Properties of machines with DAX devices: safety, then whether calls end, then the sums. */
export const daxInvariants: readonly Invariant<Kernel>[] = [
  noPteToDeadPgmap,
  dmaKeepsOwner,
  noPinWithoutPage,
  dmaKeepsDevice,
  entryMatchesFile,
  entryMadeUnderLocks,
  leaseCountsUsers,
  noFreedBlockHeld,
  removeReturns,
  truncateReturns,
  gupReturns,
  noDeadlock,
  evictionReturns,
  conservation,
  truncateWaits,
]
