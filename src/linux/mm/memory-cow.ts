import { ref, wide } from '../../arena'
import { dax_iomap_fault } from '../fs/dax'
import { VM_FAULT_DONE_COW, VM_FAULT_OOM } from '../include/mm'
import { operation } from '../operation'
import { alloc_page } from './page_alloc'
import { putAs } from './swap'

/** A write to a private mapping of a DAX file, where nothing is mapped yet. */
export const do_cow_fault = operation({
  name: 'do_cow_fault',
  does: 'A private write to a DAX file: the process gets a page of its own, and a copy of the block in it.',
  source: { file: 'mm/memory.c', fn: 'do_cow_fault', version: '6.12', evidence: 'recorded' },
  leftOut: 'Page table pages, accounting.',
  params: { vma: ref('vm_area_struct'), mm: ref('mm_struct'), vpn: wide() },
  locals: { fresh: wide() },
  entry: 'alloc',
  steps: {
    alloc: {
      does: 'Allocate the page first, and ask the file system to fill and map it.',
      fn: 'folio_prealloc',
      run(k, t) {
        const fresh = alloc_page(k)
        if (fresh === undefined) return t.done(VM_FAULT_OOM)
        t.fresh = fresh
        const { vma, vpn } = t
        return t.call(dax_iomap_fault, { vma, vpn, write: 0, order: 0, cow: fresh }, 'filled')
      },
    },
    filled: {
      does: 'Not mapped, by an error or because somebody was faster: free the page.',
      fn: '__do_fault',
      run(k, t) {
        if ((t.ret & VM_FAULT_DONE_COW) === 0) putAs(k, t.fresh, 'alloc')
        return t.done(t.ret)
      },
    },
  },
})
