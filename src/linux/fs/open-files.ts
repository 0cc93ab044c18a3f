import type { Operation } from '../../machine'
import type { Kernel } from '../kernel'
import { insiders } from '../wait-holders'

/** The locals of an operation that are files: whoever is in it has them open. */
const fileLocals = ({ frame }: Operation<Kernel>): string[] =>
  frame.places
    .filter(({ field }) => field.kind === 'ref' && field.target === 'inode')
    .map(({ name }) => name)

/** True while another task is inside a call on the file. */
export const isOpenInCall = (k: Kernel, inode: number, but: number): boolean =>
  insiders(
    k,
    ({ operation, locals }, task) =>
      task !== but && fileLocals(operation).some((name) => locals[name] === inode),
  ).length > 0

/** True while an area of any address space has the file. */
export const isMapped = (k: Kernel, inode: number): boolean =>
  k.vmas.find(({ vm_file }) => vm_file === inode) !== undefined

/** Why a file cannot be opened, if it cannot. */
export function absence(k: Kernel, inode: number): string | undefined {
  if (!k.inodes.isLive(inode)) return 'There is no such file.'
  const { i_nlink, i_opens, i_sb } = k.inodes.at(inode)
  if (i_nlink === 0 && i_opens === 0 && !isMapped(k, inode))
    return 'The file has no name any more, and nobody has it open.'
  const isThere = i_sb === 0 || k.superBlocks.at(i_sb).state === 'mounted' || isMapped(k, inode)
  return isThere ? undefined : 'Its file system is not mounted.'
}

/**
 * True once nobody but a task that is about to let it go can get at the file any more: no name, no open
 * file, no mapping, no call on it, and nobody evicts it.
 */
export const isUnused = (k: Kernel, inode: number, but: number): boolean => {
  const { i_nlink, i_opens, freeing } = k.inodes.at(inode)
  if (i_nlink > 0 || i_opens > 0 || freeing === 1) return false
  return !isMapped(k, inode) && !isOpenInCall(k, inode, but)
}

/** A file that has just lost its last user: the task that dropped the last reference is to evict it. */
export const unusedInode = (k: Kernel, task: number) =>
  k.inodes.find(({ id }) => isUnused(k, id, task))
