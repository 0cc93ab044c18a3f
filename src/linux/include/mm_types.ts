import { affine, bits, flags, int, ref, struct, text, wide } from '../../arena'
import { PG } from './page-flags'

/** struct page of an order-0 page, by pfn (include/linux/mm_types.h). No row: no memory map there. */
export const Page = struct('page', {
  flags: bits(PG, 'PG_* flags.'),
  refcount: int(1, '_refcount: each FOLL_PIN counts 1024, everything else 1.'),
  mapcount: int(-1, '_mapcount: page table entries that map the page, biased by -1.'),
  mapping: ref('inode', 'The address_space, named by its inode; NULL while no file has the page.'),
  index: affine('Page offset in the file, while mapping is set.'),
  pgmap: ref('dev_pagemap', 'Overlays lru: the device that the page belongs to.'),
})

/** What a page of memory holds, one value standing for its bytes. Survives the memory map. */
export const Contents = struct('contents', {
  value: int(0, 'The byte that the page is filled with.'),
})

/** VM_*: include/linux/mm.h, values of 6.12. */
export const VM = flags({
  read: 0,
  write: 1,
  exec: 2,
  shared: 3,
  mayread: 4,
  maywrite: 5,
  sync: 23,
  softdirty: 27,
  mixedmap: 28,
  hugepage: 29,
})

/** struct vm_area_struct; addresses are page numbers, [vm_start, vm_end). */
export const VmAreaStruct = struct('vm_area_struct', {
  vm_mm: ref('mm_struct', 'The address space that the area belongs to.'),
  vm_start: wide(0, 'First virtual page.'),
  vm_end: wide(0, 'The virtual page behind the last.'),
  vm_flags: bits(VM, 'VM_* flags.'),
  vm_file: ref('inode', 'The mapped file, named by its inode.'),
  vm_pgoff: wide(0, 'File page that vm_start maps.'),
  label: text('The name that the story gives to the area; not in the kernel.'),
})

/** struct mm_struct. The page table itself is the range table `ptes`, space = number of the mm. */
export const MmStruct = struct('mm_struct', {
  comm: text('Name of the process that owns it.'),
  pid: int(0, 'Process id.'),
  has_pinned: int(0, 'MMF_HAS_PINNED: set by the first FOLL_PIN attempt, never cleared.'),
})
