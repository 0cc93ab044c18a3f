import { daxTruncate } from './dax-truncate'
import { filesystem } from './filesystem'
import { removalZap } from './removal-zap'

/** Every design debate. */
export const policies = [filesystem, daxTruncate, removalZap] as const
