import { bits, choice, flags, int, ref, struct, text, wide } from '../../arena'

/** Which methods of struct dev_pagemap_ops a driver gives (include/linux/memremap.h). */
export const PGMAP_OPS = flags({ page_free: 0, migrate_to_ram: 1, memory_failure: 2 })

/** struct dev_pagemap (include/linux/memremap.h): a device's memory that has struct pages. */
export const DevPagemap = struct('dev_pagemap', {
  type: choice(['FS_DAX', 'GENERIC', 'PRIVATE', 'COHERENT', 'PCI_P2PDMA'], 'MEMORY_DEVICE_*.'),
  ref: wide(
    0,
    'ref: 1 while live, 1 for each page that the type counts so, 1 for each get_dev_pagemap() and each page handed out.',
  ),
  vmemmap_shift: int(0, 'Pages make folios of this order: 9 for device-dax at 2 MiB.'),
  mode: choice(['percpu', 'atomic'], 'How the percpu_ref counts: on each CPU, or in one word.'),
  state: choice(
    ['live', 'dying', 'dead', 'exited'],
    'percpu_ref: killed is dying, at zero it is dead; exited as well before it is initialised.',
  ),
  start: wide(0, 'range: first pfn of the first range.'),
  end: wide(0, 'The pfn behind its last.'),
  device: ref('nd_namespace', 'The namespace that made it; another driver’s is in its own struct.'),
  gen: int(0, 'Which binding of the device made it; not in the kernel.'),
  nr_range: int(
    1,
    'Ranges that have struct pages; while they are made, those that have them so far.',
  ),
  done: int(0, 'The completion that the last reference of a killed ref completes.'),
  altmap: wide(
    0,
    'Pages at the beginning of the first range that hold the memory map itself, and have no struct page of use.',
  ),
  ops: bits(PGMAP_OPS, 'Methods that the driver gives.'),
  owner: text('Opaque cookie: only the owner migrates the pages. PRIVATE and COHERENT need one.'),
})

/** dev_pagemap.ranges[] behind the first, by position from 1; the space is the number of the pgmap. */
export const PgmapRange = struct('pgmap_range', {
  first: wide(0, 'start: its first pfn.'),
  behind: wide(0, 'end: the pfn behind its last.'),
})

/** An entry of pgmap_array (mm/memremap.c), by pfn: it is there before and after the struct page is. */
export const PgmapEntry = struct('pgmap_entry', {
  pgmap: ref('dev_pagemap', 'Whose range the pfn is in.'),
})

/** A page that a driver may hand out, by pfn: its free_pages list, or the bitmap of its gen_pool. */
export const DevmemFree = struct('devmem_free', {
  pgmap: ref('dev_pagemap', 'The memory that it is part of.'),
})
