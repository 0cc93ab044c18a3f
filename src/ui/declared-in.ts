/** Where the kernel declares what a mark stands for, by the kind of the mark. Kinds of our own have no entry. */
const FILES: Readonly<Record<string, string>> = {
  task: 'struct task_struct, include/linux/sched.h',
  mm: 'struct mm_struct, include/linux/mm_types.h',
  vma: 'struct vm_area_struct, include/linux/mm_types.h',
  page: 'struct page, include/linux/mm_types.h',
  pte: 'pte_t, arch/x86/include/asm/pgtable_types.h',
  zone: 'struct zone, include/linux/mmzone.h',
  pipe: 'struct pipe_inode_info, include/linux/pipe_fs_i.h',
  stable_node: 'struct ksm_stable_node, mm/ksm.c',
  inode: 'struct inode, include/linux/fs.h',
  super_block: 'struct super_block, include/linux/fs.h',
  resource: 'struct resource, include/linux/ioport.h',
  namespace: 'struct nd_namespace_io, include/linux/nd.h',
  pgmap:
    'struct dev_pagemap, include/linux/memremap.h; struct percpu_ref, include/linux/percpu-refcount.h',
  dax_device: 'struct dax_device, drivers/dax/super.c',
  dax_entry: 'DAX_LOCKED …, fs/dax.c',
  dax_lease: 'struct dax_lease, fs/dax.c of the series of October 2017',
  dev_dax: 'struct dev_dax, drivers/dax/dax-private.h',
  memory_block: 'struct memory_block, include/linux/memory.h',
  umem_odp: 'struct ib_umem_odp, include/rdma/ib_umem_odp.h',
  cxl_port: 'struct cxl_port, drivers/cxl/cxl.h',
  cxl_decoder: 'struct cxl_decoder, drivers/cxl/cxl.h',
  cxl_region: 'struct cxl_region, drivers/cxl/cxl.h',
  cxl_memdev: 'struct cxl_memdev, drivers/cxl/cxlmem.h',
}

export const declaredIn = (kind: string): string | undefined => FILES[kind]
