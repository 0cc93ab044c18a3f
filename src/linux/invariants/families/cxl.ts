import type { Invariant } from '../../../machine'
import type { Kernel } from '../../kernel'
import { claimsNeverOverlap } from '../claims-never-overlap'
import { conservation } from '../conservation'
import { dmaKeepsDevice } from '../dma-keeps-device'
import { freeMeansUnreferenced } from '../free-means-unreferenced'
import { longtermPlacement } from '../longterm-placement'
import { mapcountCountsEntries } from '../mapcount-counts-entries'
import { noDeadlock } from '../no-deadlock'
import { noLoadFromNowhere } from '../no-load-from-nowhere'
import { noPinWithoutPage } from '../no-pin-without-page'
import { noPteToDeadPgmap } from '../no-pte-to-dead-pgmap'
import { offlineReturns } from '../offline-returns'
import { onlineMeansDecoded } from '../online-means-decoded'

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
