import type { Invariant } from '../../machine'
import type { Kernel } from '../kernel'
import { noPteToDeadPgmap } from './no-pte-to-dead-pgmap'

/** Every property of the simulated kernel. */
export const invariants: readonly Invariant<Kernel>[] = [noPteToDeadPgmap]
