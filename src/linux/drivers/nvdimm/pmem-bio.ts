import { ref } from '../../../arena'
import { EIO } from '../../include/errno'
import type { Kernel } from '../../kernel'
import { put_dev_pagemap } from '../../mm/memremap-ref'
import { operation } from '../../operation'

/** Up to 5.17 (5.15, from memory) the reference of the disk’s queue was that of the pgmap. */
const isQueueRef = (k: Kernel): boolean => k.policy.memunmapWait !== 'pgmapOnly'

/** §4.5 of the DAX sheet: I/O through the block device, beside DAX. */
export const pmem_submit_bio = operation({
  name: 'pmem_submit_bio',
  does: 'Reads a sector through the disk, as everything does that does not know of DAX.',
  source: { file: 'drivers/nvdimm/pmem.c', fn: 'pmem_submit_bio', version: '6.12' },
  leftOut: 'What is read; writes, flushes, bad blocks, and the page cache above.',
  via: ['submit_bio_noacct', 'submit_bio'],
  start: {
    label: 'Read a sector through the disk',
    on: ['namespace'],
    by: 'admin',
    args: (k, { id }) => ({ device: k.namespaces.at(id).id }),
    refuse(k, { device }) {
      if (!k.namespaces.isLive(device)) return 'There is no such namespace.'
      return k.namespaces.at(device).blockdev === '' ? 'There is no disk.' : undefined
    },
  },
  params: { device: ref('nd_namespace') },
  entry: 'enter',
  steps: {
    enter: {
      does: 'Take a reference of the queue. A disk that is deleted gives -EIO.',
      fn: 'bio_queue_enter',
      run(k, t) {
        const namespace = k.namespaces.at(t.device)
        const pgmap = namespace.pgmap === 0 ? undefined : k.pgmaps.at(namespace.pgmap)
        if (namespace.blockdev === '' || pgmap?.state !== 'live') return t.done(-EIO)
        namespace.bios += 1
        if (isQueueRef(k)) pgmap.ref += 1
        return 'end'
      },
    },
    end: {
      does: 'Copied: complete the bio, and drop the reference.',
      fn: 'bio_endio',
      run(k, t) {
        const namespace = k.namespaces.at(t.device)
        namespace.bios -= 1
        if (isQueueRef(k)) put_dev_pagemap(k.pgmaps.at(namespace.pgmap))
        return t.done(0)
      },
    },
  },
})
