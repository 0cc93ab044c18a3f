import { invariantsOf, operationsOf } from '../machine'
import type { Kernel } from './kernel'

/** Declares an operation of the simulated kernel; `operations.ts` lists it. */
export const operation = operationsOf<Kernel>()

/** Declare the properties; `invariants/index.ts` lists them. */
export const { always, alwaysByTask, sometimes, sometimesByTask } = invariantsOf<Kernel>()
