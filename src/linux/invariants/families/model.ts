import type { Invariant } from '../../../machine'
import type { Kernel } from '../../kernel'
import { removeDoneMeansUnheld } from '../remove-done-means-unheld'

/** Properties of one small model alone. */
export const modelInvariants: readonly Invariant<Kernel>[] = [removeDoneMeansUnheld]
