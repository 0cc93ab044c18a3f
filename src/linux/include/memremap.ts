import { choice, int, ref, struct, wide } from '../../arena'

/** struct dev_pagemap (include/linux/memremap.h): a device's memory that has struct pages. */
export const DevPagemap = struct('dev_pagemap', {
  type: choice(['FS_DAX', 'GENERIC', 'PRIVATE', 'COHERENT', 'PCI_P2PDMA'], 'MEMORY_DEVICE_*.'),
  ref: wide(0, 'ref: 1 while live, 1 for each page, 1 for each get_dev_pagemap().'),
  vmemmap_shift: int(0, 'Pages make folios of this order: 9 for device-dax at 2 MiB.'),
  mode: choice(['percpu', 'atomic'], 'How the percpu_ref counts: on each CPU, or in one word.'),
  state: choice(
    ['live', 'dying', 'dead', 'exited'],
    'percpu_ref: killed is dying, at zero it is dead.',
  ),
  start: wide(0, 'First pfn of the range.'),
  end: wide(0, 'The pfn behind the last.'),
  device: ref('nd_namespace', 'The device that made it.'),
  gen: int(0, 'Which binding of the device made it; not in the kernel.'),
})
