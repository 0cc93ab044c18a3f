import type { Policy } from '../machine'
import { daxTruncate } from './policies/dax-truncate'
import { filesystem } from './policies/filesystem'

/** The debates that the first scenario offers. The others arrive with the library. */
export const openingPolicies: readonly Policy[] = [filesystem, daxTruncate]
