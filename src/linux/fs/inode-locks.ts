import type { Kernel } from '../kernel'

/** True if nobody holds invalidate_lock (XFS: MMAPLOCK) of the inode, shared or not. */
export const isUnlocked = (k: Kernel, inode: number): boolean =>
  k.inodes.at(inode).mmaplock === 0 && k.inodes.at(inode).mmaplock_shared === 0

/** A sentence that names who holds invalidate_lock. `lock` is the file system's word for it. */
export function mmaplockReason(k: Kernel, inode: number, lock: string): string {
  const { mmaplock, mmaplock_shared } = k.inodes.at(inode)
  const holder =
    mmaplock === 0 ? `${mmaplock_shared} faults hold` : `${k.tasks.at(mmaplock).name} holds`
  return `waits for ${lock}, which ${holder}`
}

/** A sentence that names who holds the inode lock. */
export function iolockReason(k: Kernel, inode: number, lock: string): string {
  const { iolock } = k.inodes.at(inode)
  return `waits for ${lock}, which ${iolock === 0 ? 'nobody' : k.tasks.at(iolock).name} holds`
}
