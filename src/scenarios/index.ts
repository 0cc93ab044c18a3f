import { aFaultSlipsThrough } from './a-fault-slips-through'
import { aPageOnTheGpu } from './a-page-on-the-gpu'
import { aScrubOfDax } from './a-scrub-of-dax'
import { aStaleReference } from './a-stale-reference'
import { aThousandChildren } from './a-thousand-children'
import { clearRefsOnAPinnedVm } from './clear-refs-on-a-pinned-vm'
import { cxlManagedUnplug } from './cxl-managed-unplug'
import { cxlReplaced } from './cxl-replaced'
import { cxlSurpriseRemoval } from './cxl-surprise-removal'
import { bootDaxMachine } from './dax-machine'
import { daxPoisonStory } from './dax-poison'
import { devdaxUnderAPin } from './devdax-under-a-pin'
import { directIoAndFork } from './direct-io-and-fork'
import { forceUnmapPmem } from './force-unmap-pmem'
import { forkRacesAPin } from './fork-races-a-pin'
import { gupFastAndUnbind } from './gup-fast-and-unbind'
import { gupFastAndZap } from './gup-fast-and-zap'
import { gupFastVsRemove } from './gup-fast-vs-remove'
import { halfABar } from './half-a-bar'
import { hotAddDuringBoot } from './hot-add-during-boot'
import { hwpoisonAnon } from './hwpoison-anon'
import { imx6CannotBoot } from './imx6-cannot-boot'
import { kmemLeak } from './kmem-leak'
import { ksmAndAPin } from './ksm-and-a-pin'
import { legacyFilesTooEarly } from './legacy-files-too-early'
import { qemuMachine } from './machine'
import { mmapRacesAClaim } from './mmap-races-a-claim'
import { mprotectUnderDma } from './mprotect-under-dma'
import { offlineAndAPin } from './offline-and-a-pin'
import { pksBootOrder } from './pks-boot-order'
import { pksFourOptions } from './pks-four-options'
import { pksGlobalHole } from './pks-global-hole'
import { pksNestedException } from './pks-nested-exception'
import { pksStrayWrite } from './pks-stray-write'
import { pksTwoHolders } from './pks-two-holders'
import { pksWrongConversion } from './pks-wrong-conversion'
import { rdmaAndFork } from './rdma-and-fork'
import { rdmaOnDax } from './rdma-on-dax'
import { rdmaOutlivesTheCard } from './rdma-outlives-the-card'
import type { Scenario } from './scenario'
import { sg2044Duplicate } from './sg2044-duplicate-resource0'
import { swappedUnderIo } from './swapped-under-io'
import { driverIsGone } from './the-driver-is-gone'
import { theIdenticalEntry } from './the-identical-entry'
import { theLeaseOf2017 } from './the-lease-of-2017'
import { theMapperComesBack } from './the-mapper-comes-back'
import { theNextTenant } from './the-next-tenant'
import { theReadFaultWindow } from './the-read-fault-window'
import { truncateStarves } from './truncate-starves'
import { truncateUnderDma } from './truncate-under-dma'
import { theInitcallLoses, theWorkerLoses } from './two-creators'
import { twoMinds } from './two-minds'
import { umountWhilePinned } from './umount-while-pinned'
import { unbindWithRmapbt } from './unbind-with-rmapbt'
import { unlinkWhilePinned } from './unlink-while-pinned'
import { vmspliceLeak } from './vmsplice-leak'
import { whoHearsOfIt } from './who-hears-of-it'

/** Scenarios by what they are about; the first is the one that the page opens with. */
const families: Readonly<Record<string, readonly Scenario[]>> = {
  'A device is removed': [
    driverIsGone(bootDaxMachine),
    theNextTenant,
    unbindWithRmapbt,
    theReadFaultWindow,
    forceUnmapPmem,
    aFaultSlipsThrough,
    gupFastAndUnbind,
    gupFastAndZap,
  ],
  'Pins that outlive a device': [devdaxUnderAPin, rdmaOutlivesTheCard, rdmaOnDax, aPageOnTheGpu],
  'A file is truncated under DMA': [
    truncateUnderDma,
    truncateStarves,
    theLeaseOf2017,
    theMapperComesBack,
    unlinkWhilePinned,
    umountWhilePinned,
  ],
  'CXL and memory hotplug': [
    cxlManagedUnplug,
    cxlSurpriseRemoval,
    cxlReplaced,
    kmemLeak,
    offlineAndAPin,
  ],
  'Memory fails': [hwpoisonAnon, whoHearsOfIt, daxPoisonStory, aScrubOfDax],
  'Copy on write': [
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
  ],
  'Who may map I/O memory': [twoMinds, halfABar, mmapRacesAClaim],
  'Boot order and PCI sysfs': [
    theWorkerLoses,
    theInitcallLoses,
    hotAddDuringBoot,
    imx6CannotBoot,
    sg2044Duplicate,
    legacyFilesTooEarly,
  ],
  'Protection keys for pmem': [
    pksStrayWrite,
    pksGlobalHole,
    pksWrongConversion,
    pksTwoHolders,
    pksBootOrder,
    pksNestedException,
    pksFourOptions,
  ],
  'Machines and models': [qemuMachine, gupFastVsRemove],
}

/** Every scenario, with its family. */
export const scenarios: readonly Scenario[] = Object.entries(families).flatMap(
  ([family, members]) => members.map((scenario) => ({ ...scenario, family })),
)
