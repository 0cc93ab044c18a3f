import type { Invariant } from '../../../machine'
import type { Kernel } from '../../kernel'
import { conservation } from '../conservation'
import { cowIsolation } from '../cow-isolation'
import { exclusiveDiscipline } from '../exclusive-discipline'
import { freeMeansUnreferenced } from '../free-means-unreferenced'
import { frozenIsLocked } from '../frozen-is-locked'
import { gupCoherency } from '../gup-coherency'
import { gupFastSeesFork } from '../gup-fast-sees-fork'
import { ksmBytesStay } from '../ksm-bytes-stay'
import { longtermPlacement } from '../longterm-placement'
import { lruDiscipline } from '../lru-discipline'
import { mapcountCountsEntries } from '../mapcount-counts-entries'
import { noDeadlock } from '../no-deadlock'
import { noLostDma } from '../no-lost-dma'
import { pinnedMeansExclusive } from '../pinned-means-exclusive'
import { refsCoverMaps } from '../refs-cover-maps'
import { softDirtyComplete } from '../soft-dirty-complete'
import { tlbSafety } from '../tlb-safety'
import { writableMeansSoleOwner } from '../writable-means-sole-owner'

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
