import type { Invariant } from '../../machine'
import type { Kernel } from '../kernel'
import { bootInvariants } from './families/boot'
import { cxlInvariants } from './families/cxl'
import { daxInvariants } from './families/dax'
import { deviceMemoryInvariants } from './families/device-memory'
import { iomemInvariants } from './families/iomem'
import { memoryInvariants } from './families/memory'
import { pksInvariants } from './families/pks'

/**
 * Every property, once. A machine takes the list of its family alone, so that a page which opens
 * one carries no other.
 */
export const invariants: readonly Invariant<Kernel>[] = [
  ...new Set([
    ...daxInvariants,
    ...memoryInvariants,
    ...cxlInvariants,
    ...deviceMemoryInvariants,
    ...bootInvariants,
    ...pksInvariants,
    ...iomemInvariants,
  ]),
]
