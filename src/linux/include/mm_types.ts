import { affine, bits, choice, flags, int, ref, struct, text, wide } from '../../arena'
import { mappingFlags, PG } from './page-flags'

/** struct page by pfn (include/linux/mm_types.h). No row: no memory map there. */
export const Page = struct('page', {
  flags: bits(PG, 'PG_* flags.'),
  refcount: int(1, '_refcount: each FOLL_PIN counts 1024, everything else 1.'),
  mapcount: int(-1, '_mapcount: page table entries that map the page, biased by -1.'),
  mapping: ref('inode', 'The address_space, named by its inode; NULL while no file has the page.'),
  anon_vma: ref('mm_struct', 'mapping of an anonymous page: the anon_vma, named by its process.'),
  mapping_flags: mappingFlags,
  index: affine('Page offset in the file; virtual page number of an anonymous page.'),
  private: int(0, 'The swap entry, while PG_swapcache is set.'),
  share: int(
    0,
    'Files that share this block of DAX. Overlays index, under which name it was counted before 6.3.',
  ),
  pgmap: ref('dev_pagemap', 'Overlays lru: the device that the page belongs to.'),
})

/**
 * What struct folio keeps in the first tail pages of a compound page, 6.12. A row covers the whole
 * folio: `head` is where `_refcount` and the flags are. No row: an order-0 page.
 */
export const Folio = struct('folio', {
  head: wide(0, 'compound_head: pfn of the head page.'),
  order: int(0, 'The folio has 1 << order pages.'),
  large_mapcount: int(-1, '_large_mapcount: all entries that map it, PTE and PMD, biased by -1.'),
  entire_mapcount: int(-1, '_entire_mapcount: PMD entries that map it, biased by -1.'),
  nr_pages_mapped: int(0, '_nr_pages_mapped: pages with a PTE map, plus 0x800000 if PMD-mapped.'),
  pincount: int(0, '_pincount: FOLL_PIN references, exact.'),
})

/** ENTIRELY_MAPPED in `_nr_pages_mapped` (mm/internal.h). */
export const ENTIRELY_MAPPED = 0x800000

/** What a page of memory holds: two bytes stand for all. Survives the memory map. */
export const Contents = struct('contents', {
  value: int(0, 'Byte 0, standing for the first sector, bytes 0 to 511.'),
  rest: int(0, 'Byte 512, standing for the rest; only stores at an offset change it alone.'),
  poisoned: int(
    0,
    'An uncorrectable error: whoever reads gets a machine check. Not in the kernel, which is told.',
  ),
  stored_by: ref(
    'mm_struct',
    'Whose store or DMA wrote last, since the page was last shared by fork; not in the kernel.',
  ),
})

/** VM_*: include/linux/mm.h, values of 6.12. */
export const VM = flags({
  read: 0,
  write: 1,
  exec: 2,
  shared: 3,
  mayread: 4,
  maywrite: 5,
  pfnmap: 10,
  io: 14,
  dontexpand: 18,
  sync: 23,
  dontdump: 26,
  softdirty: 27,
  hugepage: 29,
  nohugepage: 30,
  mergeable: 31,
})

/** What a TLB entry allows. */
export const TLB = flags({ rw: 0, dirty: 1 })

/** struct vm_area_struct; addresses are page numbers, [vm_start, vm_end). */
export const VmAreaStruct = struct('vm_area_struct', {
  vm_mm: ref('mm_struct', 'The address space that the area belongs to.'),
  vm_start: wide(0, 'First virtual page.'),
  vm_end: wide(0, 'The virtual page behind the last.'),
  vm_flags: bits(VM, 'VM_* flags.'),
  vm_file: ref('inode', 'The mapped file, named by its inode.'),
  vm_pgoff: wide(0, 'File page that vm_start maps; the pfn, where the file is I/O memory.'),
  i_mmap: ref(
    'inode',
    'Of I/O memory: the inode in whose i_mmap it is linked; NULL until it is. Other areas are in that of their file.',
  ),
  detached: int(
    0,
    'munmap() has taken it out of the tree of its address space. Its file has it in i_mmap until the entries are gone.',
  ),
  label: text('The name that the story gives to the area; not in the kernel.'),
})

/** struct mm_struct. The page table itself is the range table `ptes`, space = number of the mm. */
export const MmStruct = struct('mm_struct', {
  comm: text('Name of the process that owns it.'),
  pid: int(0, 'Process id.'),
  has_pinned: int(0, 'MMF_HAS_PINNED: set by the first FOLL_PIN attempt, never cleared.'),
  mmap_lock: ref('task_struct', 'Who holds mmap_lock for writing.'),
  mmap_readers: int(0, 'How many hold mmap_lock, or the lock of one VMA, for reading.'),
  write_protect_seq: int(0, 'Odd while fork write-protects entries for COW (5.11).'),
  mm_users: int(1, 'Threads that use it.'),
  tlb_flush_pending: int(0, 'Entries were cleared or restricted, and the flush is still to come.'),
})

/** Zones of ordinary memory (include/linux/mmzone.h): page frames [start, end). */
export const Zone = struct('zone', {
  type: choice(['DMA', 'DMA32', 'NORMAL', 'MOVABLE', 'DEVICE'], 'ZONE_*.'),
  start: wide(0, 'First pfn.'),
  end: wide(0, 'The pfn behind the last.'),
})

/** The page allocator’s free pages, by pfn: a row is a page that may be handed out. */
export const FreePage = struct('free_page', {
  order: int(0, 'Always 0 here: no buddies are merged.'),
  isolated: int(0, 'MIGRATE_ISOLATE: it is not handed out.'),
})

/** Whoever holds the lock of a page table page, by (virtual page >> 9). No row: the lock is free. */
export const PtLock = struct('ptlock', { holder: ref('task_struct', 'The CPU inside.') })

/** What a CPU’s TLB keeps of an entry, by virtual page; the space is the CPU, which is its thread. */
export const TlbEntry = struct('tlb_entry', {
  pfn: affine('The page.'),
  flags: bits(TLB, 'What the CPU may do without a look at the page table.'),
})

/** A per-CPU folio_batch, by position; each holds a reference until it is drained (mm/swap.c). */
export const BatchedFolio = struct('batched_folio', { pfn: affine('The page that waits in it.') })

/** struct tlbflush_unmap_batch of a task: address spaces, by number, whose flush it still owes. */
export const UnmapBatch = struct('tlbflush_unmap_batch', {
  vpn: wide(0, 'The virtual page that was unmapped.'),
})

/** An mmu_gather, by position: pages that were unmapped, to be put once TLBs are flushed. */
export const GatheredPage = struct('gathered_page', { pfn: affine('The page to put.') })

/**
 * Who holds references of a page for a moment: the ground truth that `_refcount` only adds up.
 * Not in the kernel. Long-lived holders (entries, pins, caches, batches, pipes) are rows of their own.
 */
export const Holders = struct('holders', {
  alloc: int(0, 'The reference of whoever allocated it, until an entry takes it over.'),
  tmp: int(0, 'A fault, fork, or a lookup.'),
  try: int(0, 'gup-fast’s first +1, not yet a pin.'),
  pin: int(0, 'A pin that its caller does not have yet.'),
  get: int(0, 'A FOLL_GET that its caller does not have yet.'),
  zap: int(0, 'An entry that is gone, its reference not yet put.'),
  iso: int(0, 'Isolated from the LRU, by reclaim or migration.'),
  ksmd: int(0, 'ksmd looks at it.'),
  poison: int(0, 'memory_failure(): a poisoned page is never free again.'),
  frozen: int(0, 'What _refcount was before it was frozen to 0.'),
  locker: ref('task_struct', 'Who holds PG_locked.'),
})

/** Every virtual page of user space, with 4-level page tables. */
export const USER_PAGES = 2 ** 35
