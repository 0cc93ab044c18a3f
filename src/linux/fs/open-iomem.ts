import { ref } from '../../arena'
import { capable, effectiveCaps } from '../include/capability'
import { ENOENT, ENOMEM, EPERM } from '../include/errno'
import { CAP } from '../include/sched'
import type { Kernel } from '../kernel'
import { iomemNodeOf, mappingOf } from '../kernel/iomem-mapping'
import { operation } from '../operation'

type Kind = ReturnType<Kernel['iomemNodes']['at']>['kind']

interface Opener {
  readonly name: string
  /** The kernel’s function, where the name is ours. */
  readonly fn?: string
  readonly file: string
  readonly kinds: readonly Kind[]
  readonly does: string
  readonly checks: string
  /** An errno, or 0. */
  check(k: Kernel, task: ReturnType<Kernel['tasks']['at']>): number
}

/** open(2) of a file of I/O memory. Returns the number of the struct file. */
const openOperation = ({ name, fn = name, file, kinds, does, checks, check }: Opener) =>
  operation({
    name,
    does,
    source: { file, fn, version: '6.12' },
    leftOut: 'File modes: who comes here may open the file. A process has each file open once.',
    via: ['do_dentry_open', 'do_sys_openat2'],
    start: {
      label: 'Open this file',
      on: ['inode'],
      by: 'process',
      offered(k, { id }) {
        const node = iomemNodeOf(k, id)
        return node !== undefined && kinds.includes(node.kind)
      },
      args: (k, { id }) => ({ inode: k.inodes.at(id).id }),
      refuse(k, { inode }, task) {
        if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
        const node = iomemNodeOf(k, inode)
        if (node === undefined || !kinds.includes(node.kind))
          return `${name}() is not for this file.`
        return k.files.isFull ? 'This simulation has no room for another open file.' : undefined
      },
    },
    params: { inode: ref('inode') },
    entry: 'check',
    steps: {
      check: {
        does: checks,
        run(k, t) {
          const error = check(k, t.task)
          return error === 0 ? 'open' : t.done(error)
        },
      },
      open: {
        does: 'The file gets its f_mapping: the address_space whose i_mmap its areas will join.',
        fn: 'iomem_get_mapping',
        run(k, t) {
          const node = iomemNodeOf(k, t.inode)
          if (node === undefined) return t.done(-ENOENT)
          const file = k.files.alloc({
            f_inode: t.inode,
            f_mapping: mappingOf(k, node),
            f_cred: effectiveCaps(t.task),
            owner: t.task.mm,
          })
          if (file === undefined) return t.done(-ENOMEM)
          k.inodes.at(t.inode).i_opens += 1
          return t.done(file.id)
        },
      },
    },
  })

export const open_port = openOperation({
  name: 'open_port',
  file: 'drivers/char/mem.c',
  kinds: ['mem'],
  does: 'Opens /dev/mem.',
  checks:
    'CAP_SYS_RAWIO, and no lockdown; otherwise -EPERM. Before fs_initcall there is no /dev/mem at all.',
  check(k, task) {
    if (k.globals.iomem_inode === 0) return -ENOENT
    return capable(task, CAP.sys_rawio) && k.policy.lockdown === 'none' ? 0 : -EPERM
  },
})

export const openResource = openOperation({
  name: 'openResource',
  fn: 'sysfs_kf_bin_open',
  file: 'fs/sysfs/file.c',
  kinds: ['resource'],
  does: 'Opens resourceN of a PCI device.',
  checks: 'No capability is asked for: the mode of the file is 0600.',
  check: () => 0,
})

export const proc_bus_pci_open = openOperation({
  name: 'proc_bus_pci_open',
  file: 'drivers/pci/proc.c',
  kinds: ['proc'],
  does: 'Opens a device below /proc/bus/pci.',
  checks: 'Anybody may open it: what it shows and maps is checked later.',
  check: () => 0,
})

export const chrdev_open = openOperation({
  name: 'chrdev_open',
  file: 'fs/char_dev.c',
  kinds: ['vfio', 'uio'],
  does: 'Opens the node of a driver that lets user space at its device.',
  checks: 'The driver has claimed the BAR itself; the node has an address_space of its own.',
  check: () => 0,
})
