import type { Invariant } from '../../../machine'
import type { Kernel } from '../../kernel'
import { durability } from '../durability'
import { honestSignal } from '../honest-signal'
import { listingIsOneTree } from '../listing-is-one-tree'
import { noLostWaiter } from '../no-lost-waiter'
import { noNewMapOfClaim } from '../no-new-map-of-claim'
import { noStalePte } from '../no-stale-pte'
import { noUserWriteAfterClaim } from '../no-user-write-after-claim'
import { oneOwner } from '../one-owner'
import { resourceTreeIsWhole } from '../resource-tree-is-whole'

/** Properties of the iomem tree and of mappings of I/O memory, promises to drivers first. */
export const iomemInvariants: readonly Invariant<Kernel>[] = [
  noUserWriteAfterClaim,
  durability,
  noStalePte,
  noNewMapOfClaim,
  honestSignal,
  oneOwner,
  resourceTreeIsWhole,
  noLostWaiter,
  listingIsOneTree,
]
