import { choice, int, ref, struct, text, wide } from '../../arena'

/** struct dmirror_device with its one dmirror_chunk (lib/test_hmm.c): a device with memory of its own. */
export const DmirrorDevice = struct('dmirror_device', {
  name: text('The device, which is the owner of its pgmap.'),
  type: choice(
    ['PRIVATE', 'COHERENT'],
    'zone_device_type: memory that the CPU cannot address, or can.',
  ),
  start: wide(0, 'First pfn of the chunk; of coherent memory firmware says where it is.'),
  pages: int(65536, 'Pages of the chunk, DEVMEM_CHUNK_SIZE: 256 MiB.'),
  state: choice(
    ['none', 'binding', 'bound', 'removing'],
    'Of its driver: whether it is there, and its chunk has struct pages.',
  ),
  resource: ref('resource', 'The claim in the iomem tree.'),
  pgmap: ref('dev_pagemap', 'devmem->pagemap.'),
})
