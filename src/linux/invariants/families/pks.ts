import type { Invariant } from '../../../machine'
import type { Kernel } from '../../kernel'
import { durability } from '../durability'
import { noFalseKill } from '../no-false-kill'
import { noOpenKeyLeft } from '../no-open-key-left'
import { registerAgrees } from '../register-agrees'
import { windowByItself } from '../window-by-itself'
import { windowOfThePage } from '../window-of-the-page'

/** Properties of protection keys for pmem. */
export const pksInvariants: readonly Invariant<Kernel>[] = [
  durability,
  windowOfThePage,
  windowByItself,
  noFalseKill,
  registerAgrees,
  noOpenKeyLeft,
]
