import { ref, text } from '../../../arena'
import { EEXIST, ENOENT, ENOMEM } from '../../include/errno'
import { bootOperation, isLevelReached } from '../../init/boot-operation'
import type { Kernel } from '../../kernel'
import { iomem_get_mapping } from '../../kernel/iomem-inode'
import { printk } from '../../kernel/printk'
import { operation } from '../../operation'
import { type Directory, kernfsNode, pathOf } from './dir'

type Attr = ReturnType<Kernel['binAttributes']['at']>

/**
 * sysfs_create_bin_file(): atomic under the kernfs rwsem. -EEXIST: the name is taken, which the kernel
 * warns of, with a stack dump. -ENOENT: the directory has been removed.
 */
export function sysfs_create_bin_file(k: Kernel, directory: Directory, attr: Attr): number {
  if ('dev' in directory && k.pciDevs.at(directory.dev).on_bus === 0) return -ENOENT
  if (kernfsNode(k, directory, attr.name) !== undefined) {
    printk(k, `sysfs: cannot create duplicate filename '${pathOf(k, directory, attr.name)}'`)
    return -EEXIST
  }
  k.kernfsNodes.make({ ...directory, name: attr.name, attr: attr.id })
  return 0
}

/** sysfs_remove_bin_file(): goes by the name, whoever created the file. */
export function sysfs_remove_bin_file(k: Kernel, directory: Directory, name: string): void {
  const node = kernfsNode(k, directory, name)
  if (node !== undefined) k.kernfsNodes.free(node.id)
}

/** Opening resourceN from user space; mapping it comes after that, and is not simulated here. */
export const sysfs_kf_bin_open = bootOperation(
  operation({
    name: 'sysfs_kf_bin_open',
    does: 'A process opens a resourceN file: the mapping that its mmap() will be linked into is chosen.',
    source: { file: 'fs/sysfs/file.c', fn: 'sysfs_kf_bin_open', version: '6.12' },
    leftOut: 'File modes, active references of kernfs, and reads and writes through the file.',
    via: ['kernfs_fop_open', 'do_dentry_open', '__x64_sys_openat'],
    start: {
      label: 'Open its resource0',
      on: ['pci_dev'],
      by: 'process',
      args: (k, { id }) => ({ dev: k.pciDevs.at(id).id, name: 'resource0' }),
      refuse(k, { dev }) {
        if (!k.pciDevs.isLive(dev)) return 'There is no such device.'
        return isLevelReached(k, 'rootfs')
          ? undefined
          : 'No process runs before the initramfs is unpacked, behind the level fs.'
      },
    },
    params: { dev: ref('pci_dev'), name: text() },
    locals: { attr: ref('bin_attribute') },
    entry: 'lookup',
    steps: {
      lookup: {
        does: 'Look the name up in the directory of the device.',
        fn: 'kernfs_iop_lookup',
        run(k, t) {
          const node = kernfsNode(k, { dev: t.dev }, t.name)
          if (node === undefined) return t.done(-ENOENT)
          t.attr = node.attr
          return 'mapping'
        },
      },
      mapping: {
        does: 'Set f_mapping: from 5.15 on by calling what the attribute holds, before that by copying it.',
        run(k, t) {
          const { mapping } = k.binAttributes.at(t.attr)
          if (mapping === 'iomem_get_mapping' && !iomem_get_mapping(k, t.task)) return 'mapping'
          const f_mapping = mapping === 'none' ? 'own' : 'iomem_inode'
          const file = k.kernfsOpenFiles.alloc({ task: t.task.id, attr: t.attr, f_mapping })
          return t.done(file === undefined ? -ENOMEM : 0)
        },
      },
    },
  }),
)
