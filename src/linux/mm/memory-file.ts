import { int, ref, wide } from '../../arena'
import { PTE } from '../arch/x86/pgtable'
import { VM_FAULT_HWPOISON, VM_FAULT_OOM, VM_FAULT_SIGBUS } from '../include/mm'
import { VM } from '../include/mm_types'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { copyPage } from './contents'
import { isOnDisk, pagesOfFile, shmem_get_folio } from './filemap'
import { hasFlag, setFlag } from './folio'
import { getAs, handOver } from './holders'
import { untilPtl } from './locks'
import { dirtyEntry, FRESH, mapOwnCopy } from './memory-anon'
import { isPfnmap, pfnmapFault } from './memory-pfnmap'
import { alloc_page } from './page_alloc'
import { addRmap } from './rmap-anon'
import { folio_put, putAs } from './swap'

const isShared = (k: Kernel, vma: number): boolean => (k.vmas.at(vma).vm_flags & VM.shared) !== 0

/** The entry of a page of the file itself: writable at once where the area is shared and may write. */
function fileEntry(k: Kernel, vma: number, write: number): number {
  const mayWrite = isShared(k, vma) && (k.vmas.at(vma).vm_flags & VM.write) !== 0
  if (write === 1) return FRESH | dirtyEntry(k, vma)
  // vma_wants_writenotify(): a file on disk must hear of the first store.
  if (isOnDisk(k, k.vmas.at(vma).vm_file)) return FRESH
  return mayWrite ? FRESH | PTE.rw : FRESH
}

/** §2.5 of the pins sheet, “File faults”: tmpfs, whose pages are in the page cache. */
export const do_fault = operation({
  name: 'do_fault',
  does: 'Maps a page of the page cache, or gives a private write a copy of it.',
  source: { file: 'mm/memory.c', fn: 'do_fault', version: '6.12' },
  leftOut: 'File systems on disk: the wait for the disk, writeback; the folio lock; fault-around.',
  params: { vma: ref('vm_area_struct'), mm: ref('mm_struct'), vpn: wide(), write: int() },
  locals: { pfn: wide(), fresh: wide() },
  entry: 'lookup',
  steps: {
    lookup: {
      does: 'Find the page in the page cache, and hold it; behind the end of the file: SIGBUS. Areas of I/O memory have no .fault: SIGBUS as well.',
      fn: 'do_fault',
      run(k, t) {
        const { vm_file, vm_start, vm_pgoff } = k.vmas.at(t.vma)
        if (isPfnmap(k.vmas.at(t.vma))) return t.done(pfnmapFault(k, k.vmas.at(t.vma), t.vpn))
        const index = vm_pgoff + t.vpn - vm_start
        if (index >= pagesOfFile(k, vm_file)) return t.done(VM_FAULT_SIGBUS)
        const pfn = shmem_get_folio(k, vm_file, index, t.task.id)
        if (pfn === undefined) return t.done(VM_FAULT_OOM)
        if (hasFlag(k, pfn, PG.hwpoison)) return t.done(VM_FAULT_HWPOISON)
        t.pfn = pfn
        getAs(k, pfn, 'tmp')
        return t.write === 1 && !isShared(k, t.vma) ? 'copy' : 'map'
      },
    },
    map: {
      does: 'Map the cached page: the lookup’s reference becomes the entry’s.',
      fn: 'finish_fault',
      when: untilPtl,
      run(k, t) {
        handOver(k, t.pfn, 'tmp')
        if (k.ptes.in(t.mm).has(t.vpn)) {
          folio_put(k, t.pfn)
          return t.done()
        }
        addRmap(k, t.pfn)
        const flags = fileEntry(k, t.vma, t.write)
        if (t.write === 1) setFlag(k, t.pfn, PG.dirty)
        k.ptes.in(t.mm).fill(t.vpn, t.vpn + 1, { pfn: t.pfn, flags })
        return t.done()
      },
    },
    copy: {
      does: 'A private write: allocate a page, and copy the cached one into it.',
      fn: 'do_cow_fault',
      run(k, t) {
        const fresh = alloc_page(k)
        if (fresh === undefined) {
          putAs(k, t.pfn, 'tmp')
          return t.done(VM_FAULT_OOM)
        }
        copyPage(k, t.pfn, fresh)
        setFlag(k, fresh, PG.uptodate)
        t.fresh = fresh
        return 'map_copy'
      },
    },
    map_copy: {
      does: 'Map the copy, an anonymous page of this process, and let the cached page go.',
      fn: 'finish_fault',
      when: untilPtl,
      run(k, t) {
        putAs(k, t.pfn, 'tmp')
        if (!mapOwnCopy(k, t, t.fresh)) putAs(k, t.fresh, 'alloc')
        return t.done()
      },
    },
  },
})
