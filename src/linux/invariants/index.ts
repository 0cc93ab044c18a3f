import type { Invariant } from '../../machine'
import type { Kernel } from '../kernel'
import { claimsNeverOverlap } from './claims-never-overlap'
import { conservation } from './conservation'
import { cowIsolation } from './cow-isolation'
import { dmaKeepsDevice } from './dma-keeps-device'
import { dmaKeepsOwner } from './dma-keeps-owner'
import { entryMadeUnderLocks } from './entry-made-under-locks'
import { entryMatchesFile } from './entry-matches-file'
import { evictionReturns } from './eviction-returns'
import { exclusiveDiscipline } from './exclusive-discipline'
import { freeMeansUnreferenced } from './free-means-unreferenced'
import { frozenIsLocked } from './frozen-is-locked'
import { gupCoherency } from './gup-coherency'
import { gupFastSeesFork } from './gup-fast-sees-fork'
import { gupReturns } from './gup-returns'
import { ksmBytesStay } from './ksm-bytes-stay'
import { leaseCountsUsers } from './lease-counts-users'
import { longtermPlacement } from './longterm-placement'
import { lruDiscipline } from './lru-discipline'
import { mapcountCountsEntries } from './mapcount-counts-entries'
import { noDeadlock } from './no-deadlock'
import { noFreedBlockHeld } from './no-freed-block-held'
import { noLoadFromNowhere } from './no-load-from-nowhere'
import { noLostDma } from './no-lost-dma'
import { noPinWithoutPage } from './no-pin-without-page'
import { noPteToDeadPgmap } from './no-pte-to-dead-pgmap'
import { offlineReturns } from './offline-returns'
import { onlineMeansDecoded } from './online-means-decoded'
import { pinnedMeansExclusive } from './pinned-means-exclusive'
import { refsCoverMaps } from './refs-cover-maps'
import { removeDoneMeansUnheld } from './remove-done-means-unheld'
import { removeReturns } from './remove-returns'
import { softDirtyComplete } from './soft-dirty-complete'
import { tlbSafety } from './tlb-safety'
import { truncateReturns } from './truncate-returns'
import { truncateWaits } from './truncate-waits'
import { writableMeansSoleOwner } from './writable-means-sole-owner'

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

/** Properties of anonymous memory, in the order in which a reader cares: promises first, then counters. */
export const memoryInvariants: readonly Invariant<Kernel>[] = [
  gupCoherency,
  cowIsolation,
  noLostDma,
  writableMeansSoleOwner,
  exclusiveDiscipline,
  pinnedMeansExclusive,
  conservation,
  refsCoverMaps,
  mapcountCountsEntries,
  freeMeansUnreferenced,
  tlbSafety,
  gupFastSeesFork,
  lruDiscipline,
  longtermPlacement,
  softDirtyComplete,
  frozenIsLocked,
  ksmBytesStay,
  noDeadlock,
]

/** Properties of CXL memory and of memory hotplug; then what holds for its pages as for any other. */
export const cxlInvariants: readonly Invariant<Kernel>[] = [
  noLoadFromNowhere,
  onlineMeansDecoded,
  claimsNeverOverlap,
  offlineReturns,
  conservation,
  mapcountCountsEntries,
  freeMeansUnreferenced,
  longtermPlacement,
  noPteToDeadPgmap,
  noPinWithoutPage,
  dmaKeepsDevice,
  noDeadlock,
]

/** Properties of one small model alone. */
export const modelInvariants: readonly Invariant<Kernel>[] = [removeDoneMeansUnheld]

/** Every property, once. Asked for, not listed: a page that opens one family carries no other. */
export const allInvariants = (): readonly Invariant<Kernel>[] => [
  ...new Set([...daxInvariants, ...memoryInvariants, ...cxlInvariants]),
]
