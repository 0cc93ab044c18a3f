import { aStaleReference } from './a-stale-reference'
import { aThousandChildren } from './a-thousand-children'
import { clearRefsOnAPinnedVm } from './clear-refs-on-a-pinned-vm'
import { cxlManagedUnplug } from './cxl-managed-unplug'
import { cxlReplaced } from './cxl-replaced'
import { cxlSurpriseRemoval } from './cxl-surprise-removal'
import { bootDaxMachine } from './dax-machine'
import { directIoAndFork } from './direct-io-and-fork'
import { forkRacesAPin } from './fork-races-a-pin'
import { gupFastVsRemove } from './gup-fast-vs-remove'
import { ksmAndAPin } from './ksm-and-a-pin'
import { qemuMachine } from './machine'
import { mprotectUnderDma } from './mprotect-under-dma'
import { rdmaAndFork } from './rdma-and-fork'
import type { Scenario } from './scenario'
import { swappedUnderIo } from './swapped-under-io'
import { driverIsGone } from './the-driver-is-gone'
import { theIdenticalEntry } from './the-identical-entry'
import { vmspliceLeak } from './vmsplice-leak'

/** Every scenario; the first is the one that the page opens with. */
export const scenarios: readonly Scenario[] = [
  driverIsGone(bootDaxMachine),
  vmspliceLeak,
  rdmaAndFork,
  directIoAndFork,
  clearRefsOnAPinnedVm,
  aStaleReference,
  swappedUnderIo,
  mprotectUnderDma,
  ksmAndAPin,
  forkRacesAPin,
  theIdenticalEntry,
  aThousandChildren,
  cxlManagedUnplug,
  cxlSurpriseRemoval,
  cxlReplaced,
  qemuMachine,
  gupFastVsRemove,
]
