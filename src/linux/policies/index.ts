import { clearRefs } from './clear-refs'
import { cowReuse } from './cow-reuse'
import { daxPoison } from './dax-poison'
import { daxRefcount } from './dax-refcount'
import { daxReflink } from './dax-reflink'
import { daxTruncate } from './dax-truncate'
import { deviceEvict } from './device-evict'
import { devicePageCount } from './device-page-count'
import { devmemLowRam } from './devmem-low-ram'
import { directIo } from './direct-io'
import { diskRemoval } from './disk-removal'
import { exclusiveRam } from './exclusive-ram'
import { filesystem } from './filesystem'
import { forcedKill } from './forced-kill'
import { forkCopy } from './fork-copy'
import { gupForce } from './gup-force'
import { gupPgmap } from './gup-pgmap'
import { gupRead } from './gup-read'
import { hugeZeroWrite } from './huge-zero-write'
import { ioStrictDevmem } from './io-strict-devmem'
import { iomemClaim } from './iomem-claim'
import { iomemMmap } from './iomem-mmap'
import { iomemParam } from './iomem-param'
import { kmapOption } from './kmap-option'
import { kmemRemove } from './kmem-remove'
import { ksmReuse } from './ksm-reuse'
import { legacyFiles } from './legacy-files'
import { linkDown } from './link-down'
import { lockdown } from './lockdown'
import { longtermMovable } from './longterm-movable'
import { longtermRevoke } from './longterm-revoke'
import { lruBatch } from './lru-batch'
import { memunmapWait } from './memunmap-wait'
import { mprotectUpgrade } from './mprotect-upgrade'
import { muxOrder } from './mux-order'
import { pinCount } from './pin-count'
import { pks } from './pks'
import { pksFault } from './pks-fault'
import { pksRestrict } from './pks-restrict'
import { removalZap } from './removal-zap'
import { removeNotify } from './remove-notify'
import { resAttrStore } from './res-attr-store'
import { resourceFiles } from './resource-files'
import { rmapbt } from './rmapbt'
import { savedDirty } from './saved-dirty'
import { strictDevmem } from './strict-devmem'
import { swapPinned } from './swap-pinned'
import { sysfsMapping } from './sysfs-mapping'
import { tlbFlush } from './tlb-flush'
import { vmsplice } from './vmsplice'
import { writeProtectSeq } from './write-protect-seq'
import { zeroPagePin } from './zero-page-pin'

/** Every design debate. */
export const policies = [
  filesystem,
  daxTruncate,
  removalZap,
  cowReuse,
  forkCopy,
  pinCount,
  gupRead,
  writeProtectSeq,
  clearRefs,
  swapPinned,
  mprotectUpgrade,
  directIo,
  zeroPagePin,
  savedDirty,
  tlbFlush,
  vmsplice,
  longtermMovable,
  ksmReuse,
  gupForce,
  lruBatch,
  daxRefcount,
  hugeZeroWrite,
  memunmapWait,
  removeNotify,
  rmapbt,
  gupPgmap,
  longtermRevoke,
  daxPoison,
  kmemRemove,
  linkDown,
  forcedKill,
  diskRemoval,
  devicePageCount,
  deviceEvict,
  daxReflink,
  resourceFiles,
  resAttrStore,
  sysfsMapping,
  legacyFiles,
  pks,
  pksFault,
  kmapOption,
  pksRestrict,
  strictDevmem,
  ioStrictDevmem,
  iomemParam,
  iomemClaim,
  iomemMmap,
  muxOrder,
  lockdown,
  exclusiveRam,
  devmemLowRam,
] as const
