import { ref, wide } from '../../arena'
import { absence } from '../fs/open-files'
import { PAGE_SIZE } from '../include/mm'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { filemap_remove_folio, hasPageCache } from './filemap'
import { unmap_page_range } from './memory-zap'
import { mappedStretches } from './rmap'

/** A page number behind every file. */
const BEHIND = 2 ** 40

/** The next stretch of addresses that maps pages behind the new end. */
const nextStretch = (k: Kernel, inode: number, first: number) =>
  mappedStretches(k, inode, first, BEHIND).find(
    ({ mm, start, end }) => k.ptes.in(mm).runs(start, end).length > 0,
  )

/** Truncation of a page-cache file, as the contrast to DAX: nobody waits for pins. */
export const shmem_setattr = operation({
  name: 'shmem_setattr',
  does: 'Truncates a tmpfs file: unmaps, and lets the pages go. Who holds one keeps it.',
  source: { file: 'mm/shmem.c', fn: 'shmem_setattr', version: '6.12' },
  leftOut: 'Swap entries of the file, partial pages, the inode lock.',
  start: {
    label: 'Truncate to nothing',
    on: ['inode'],
    by: 'admin',
    args: (k, { id }) => ({ inode: k.inodes.at(id).id, size: 0 }),
    refuse(k, { inode, size }) {
      const absent = absence(k, inode)
      if (absent !== undefined) return absent
      if (!hasPageCache(k, inode)) return 'The file is not in the page cache.'
      return size >= 0 && size <= k.inodes.at(inode).i_size
        ? undefined
        : 'Truncate to no more than the file has.'
    },
  },
  params: { inode: ref('inode'), size: wide() },
  entry: 'size',
  steps: {
    size: {
      does: 'Set the size: from here a fault behind it ends in SIGBUS.',
      fn: 'i_size_write',
      run(k, t) {
        k.inodes.at(t.inode).i_size = t.size
        return 'unmap'
      },
    },
    unmap: {
      does: 'Unmap what lies behind the end, private copies as well.',
      fn: 'unmap_mapping_range',
      run(k, t) {
        const stretch = nextStretch(k, t.inode, Math.ceil(t.size / PAGE_SIZE))
        if (stretch === undefined) return 'remove'
        return t.call(
          unmap_page_range,
          { ...stretch, mm: k.mms.at(stretch.mm).id, explicit: 1 },
          'unmap',
        )
      },
    },
    remove: {
      does: 'Take the pages out of the page cache. A pinned one lives on without the file, and nobody waits for it.',
      fn: 'shmem_truncate_range',
      run(k, t) {
        const first = Math.ceil(t.size / PAGE_SIZE)
        for (const { start, end } of k.pageCache.in(t.inode).runs(first, BEHIND))
          for (let index = start; index < end; index++) filemap_remove_folio(k, t.inode, index)
        return t.done()
      },
    },
  },
})
