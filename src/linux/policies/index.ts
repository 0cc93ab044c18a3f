import { clearRefs } from './clear-refs'
import { cowReuse } from './cow-reuse'
import { daxRefcount } from './dax-refcount'
import { daxTruncate } from './dax-truncate'
import { directIo } from './direct-io'
import { filesystem } from './filesystem'
import { forkCopy } from './fork-copy'
import { gupForce } from './gup-force'
import { gupRead } from './gup-read'
import { hugeZeroWrite } from './huge-zero-write'
import { ksmReuse } from './ksm-reuse'
import { longtermMovable } from './longterm-movable'
import { lruBatch } from './lru-batch'
import { mprotectUpgrade } from './mprotect-upgrade'
import { pinCount } from './pin-count'
import { removalZap } from './removal-zap'
import { savedDirty } from './saved-dirty'
import { swapPinned } from './swap-pinned'
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
] as const
