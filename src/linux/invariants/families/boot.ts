import type { Invariant } from '../../../machine'
import type { Kernel } from '../../kernel'
import { bootComplete } from '../boot-complete'
import { mappingReady } from '../mapping-ready'
import { oneResourceFile } from '../one-resource-file'

/** Properties of the files of PCI devices, and of the boot that creates them. */
export const bootInvariants: readonly Invariant<Kernel>[] = [
  mappingReady,
  oneResourceFile,
  bootComplete,
]
