import { affine, bits, choice, int, ref, struct, text } from '../../arena'
import { CAP } from './sched'

/** A file of which mmap() gives I/O memory: a device node, or an attribute of a PCI device. */
export const IomemNode = struct('iomem_node', {
  inode: ref('inode', 'The file.'),
  kind: choice(
    ['mem', 'resource', 'proc', 'vfio', 'uio'],
    '/dev/mem, resourceN in sysfs, /proc/bus/pci, or the node of a driver.',
  ),
  bar: ref('resource', 'The BAR that it maps; NULL for /dev/mem.'),
})

/** struct file of such a file. */
export const File = struct('file', {
  f_inode: ref('inode', 'What was opened.'),
  f_mapping: ref('inode', 'The inode whose i_mmap areas of this file join.'),
  f_cred: bits(CAP, 'Capabilities of whoever opened it.'),
  owner: ref('mm_struct', 'The process that has it open; not in the kernel.'),
  mapped_claimed: int(
    0,
    'Pages that a driver had claimed when the checks of the last mmap() let them pass; not in the kernel.',
  ),
})

/** An entry of muxed_resource_wait (kernel/resource.c), with the state of its task. */
export const MuxedWaiter = struct('muxed_waiter', {
  task: ref('task_struct', 'Who waits.'),
  state: choice(['TASK_RUNNING', 'TASK_UNINTERRUPTIBLE'], '__state of the task.'),
  asleep: int(0, 'It has called schedule().'),
  conflict: ref('resource', 'The node that was in its way; not in the kernel.'),
})

/** seq_file of an open /proc/iomem, and what its reader has by now. */
export const IomemListing = struct('iomem_listing', {
  task: ref('task_struct', 'Who reads.'),
  f_cred: bits(CAP, 'Capabilities of whoever opened it.'),
  index: int(0, 'Position in pre-order of the line that comes next.'),
  text: text('Everything that was read.'),
  trees: text(
    'The whole listing as it was at each read(), one behind the other; not in the kernel.',
  ),
  eof: int(0, 'The last read() gave nothing.'),
})

/** What a device reaches by an IOMMU page table, by I/O virtual page; the space is its container. */
export const IommuPte = struct('iommu_pte', {
  pfn: affine('The page.'),
  mm: ref('mm_struct', 'The process that mapped it; not in the kernel.'),
})

/** What a guest reaches by the second stage, by guest page; the space is the process of the guest. */
export const Stage2Pte = struct('stage2_pte', { pfn: affine('The page.') })
