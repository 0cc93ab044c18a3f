import type { Holder, Wait } from '../../machine'
import type { Kernel } from '../kernel'
import { insiders, isBehind, taskHolds } from '../wait-holders'

type OfInode = Wait<Kernel, { readonly inode: number }>

const nameOf = (k: Kernel, task: number): string => (task === 0 ? 'nobody' : k.tasks.at(task).name)

/** Faults that hold invalidate_lock shared: the kernel only counts them. */
export const sharedHolders = (k: Kernel, inode: number): Holder[] =>
  insiders(
    k,
    (frame) =>
      isBehind(frame, 'dax_iomap_fault', 'mmaplock_shared') &&
      k.vmas.at(Number(frame.locals['vma'])).vm_file === inode,
  )

/** Waits until nobody holds invalidate_lock (XFS: MMAPLOCK) of the inode, shared or not. `lock` is the file system's word. */
export const untilUnlocked = (lock: string): OfInode => ({
  state: 'D',
  ready(k, t) {
    const { mmaplock, mmaplock_shared } = k.inodes.at(t.inode)
    return mmaplock === 0 && mmaplock_shared === 0
  },
  reason(k, t) {
    const { mmaplock, mmaplock_shared } = k.inodes.at(t.inode)
    const holder =
      mmaplock === 0 ? `${mmaplock_shared} faults hold` : `${nameOf(k, mmaplock)} holds`
    return `waits for ${lock}, which ${holder}`
  },
  holders(k, t) {
    const { mmaplock } = k.inodes.at(t.inode)
    return mmaplock === 0 ? sharedHolders(k, t.inode) : taskHolds(mmaplock)
  },
})

/** Waits for the inode lock (i_rwsem; XFS: IOLOCK). */
export const untilInodeLock = (lock: string): OfInode => ({
  state: 'D',
  ready: (k, t) => k.inodes.at(t.inode).iolock === 0,
  reason: (k, t) => `waits for ${lock}, which ${nameOf(k, k.inodes.at(t.inode).iolock)} holds`,
  holders: (k, t) => taskHolds(k.inodes.at(t.inode).iolock),
})

/** Waits until nobody holds invalidate_lock exclusively: what a fault needs. */
export const untilFaultsMay: OfInode = {
  state: 'D',
  ready: (k, t) => k.inodes.at(t.inode).mmaplock === 0,
  reason(k, t) {
    const { mmaplock, name } = k.inodes.at(t.inode)
    return `waits for MMAPLOCK of ${name}, which ${nameOf(k, mmaplock)} holds`
  },
  holders: (k, t) => taskHolds(k.inodes.at(t.inode).mmaplock),
}
