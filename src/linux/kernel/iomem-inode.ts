import { bootOf } from '../init/boot-operation'
import type { Kernel } from '../kernel'
import { printk } from './printk'

/** The name of the thread that runs the initcalls: pid 1, until it becomes /init. */
export const INIT = 'swapper/0'

/** The inode of the pseudo file system devmem whose address_space has every mapping of I/O memory. */
export function allocIomemInode(k: Kernel) {
  const superBlock = k.superBlocks.alloc({ s_type: 'devmem', s_id: 'devmem' })
  return superBlock && k.inodes.alloc({ name: 'iomem_inode', i_sb: superBlock.id })
}

/** iomem_init_inode() as one step of a boot: the mapping that can be revoked exists. */
export function publishIomemInode(k: Kernel): void {
  k.globals.iomem_inode = allocIomemInode(k)?.id ?? 0
}

/**
 * iomem_get_mapping(): returns iomem_inode->i_mapping, and does not look whether there is an inode.
 * False where there is none: the load oopses, which kills the thread, and with pid 1 the kernel.
 */
export function iomem_get_mapping(k: Kernel, task: ReturnType<Kernel['tasks']['at']>): boolean {
  const boot = bootOf(k)
  if (k.globals.iomem_inode !== 0) return true
  boot.oopsed = task.id
  task.signal = 'SIGSEGV'
  task.si_code = 'SI_KERNEL'
  printk(k, 'BUG: kernel NULL pointer dereference, address: 0000000000000030')
  if (task.name !== INIT) return false
  boot.panicked = 1
  printk(k, 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b')
  return false
}
