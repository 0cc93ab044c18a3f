import type { Holder } from '../../machine'
import type { Kernel } from '../kernel'
import { insiders, isBehind } from '../wait-holders'

interface Writer {
  readonly inode: number
}

/** True after xfs_force_shutdown(), or what ext4 has for it: every change fails with -EIO. */
export const isShutDown = (k: Kernel, inode: number): boolean =>
  superBlockOf(k, inode).shutdown !== 'no'

const superBlockOf = (k: Kernel, inode: number) => k.superBlocks.at(k.inodes.at(inode).i_sb)

/** Who waits for a thaw. */
export const frozenReason = ({ s_id }: { readonly s_id: string }): string =>
  `waits for ${s_id}, which is frozen, to be thawed`

/** Who froze a file system, and will thaw it. */
export const freezers = (k: Kernel, superBlock: number): Holder[] =>
  insiders(
    k,
    (frame) =>
      isBehind(frame, 'xfs_dax_notify_failure', 'freeze') &&
      frame.locals['superBlock'] === superBlock,
  )

/** Write faults and changes that had begun before the freeze. */
export const writersOf = (k: Kernel, superBlock: number): Holder[] =>
  insiders(k, (frame) => {
    const { vma, write, inode, target } = frame.locals
    const { name } = frame.operation
    const isFault = isBehind(frame, 'dax_iomap_fault', 'start_pagefault') && write !== 0
    if (!isFault && !isBehind(frame, name, 'start_write')) return false
    const file = isFault ? k.vmas.at(Number(vma)).vm_file : Number(inode ?? target)
    return k.inodes.isLive(file) && k.inodes.at(file).i_sb === superBlock
  })

/** sb_start_write(): whoever is to change a file waits while its file system is frozen. */
export const untilThawed = {
  state: 'D' as const,
  ready: (k: Kernel, { inode }: Writer): boolean =>
    !k.inodes.isLive(inode) || superBlockOf(k, inode).frozen === 0,
  reason: (k: Kernel, { inode }: Writer): string => frozenReason(superBlockOf(k, inode)),
  holders: (k: Kernel, { inode }: Writer): Holder[] => freezers(k, superBlockOf(k, inode).id),
}

/** Holds a freeze off until sb_end_write(). */
export function sb_start_write(k: Kernel, { inode }: Writer): void {
  superBlockOf(k, inode).writers += 1
}

export function sb_end_write(k: Kernel, { inode }: Writer): void {
  superBlockOf(k, inode).writers -= 1
}
