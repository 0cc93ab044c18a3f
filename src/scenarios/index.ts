import { gupFastVsRemove } from './gup-fast-vs-remove'
import { qemuMachine } from './machine'
import { rdmaAndFork } from './rdma-and-fork'
import type { Scenario } from './scenario'
import { theDriverIsGone } from './the-driver-is-gone'

/** Every scenario; the first is the one that the page opens with. */
export const scenarios: readonly Scenario[] = [
  theDriverIsGone,
  rdmaAndFork,
  qemuMachine,
  gupFastVsRemove,
]
