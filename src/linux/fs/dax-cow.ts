import { ref, wide } from '../../arena'
import {
  VM_FAULT_DONE_COW,
  VM_FAULT_HWPOISON,
  VM_FAULT_NOPAGE,
  VM_FAULT_SIGBUS,
} from '../include/mm'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { copyPage } from '../mm/contents'
import { setFlag } from '../mm/folio'
import { untilPtl } from '../mm/locks'
import { mapOwnCopy } from '../mm/memory-anon'
import { operation } from '../operation'
import { isBad } from './badblocks'
import { daxOf } from './dax-entries'

/** dax_fault_return() of a bad block: the kind of SIGBUS that says so, or a plain one. */
export const badBlock = (k: Kernel): number =>
  k.policy.daxPoison === 'hwpoison' ? VM_FAULT_HWPOISON : VM_FAULT_SIGBUS

/** The end of a private write to a DAX file. The caller has locked the entry, which is not changed. */
export const dax_fault_cow_page = operation({
  name: 'dax_fault_cow_page',
  does: 'Fills the page of a private write from the block, and maps it.',
  source: { file: 'fs/dax.c', fn: 'dax_fault_cow_page', version: '6.12', evidence: 'recorded' },
  leftOut: 'Nothing that counts here.',
  params: {
    vma: ref('vm_area_struct'),
    mm: ref('mm_struct'),
    vpn: wide(),
    block: wide(),
    cow: wide(),
  },
  entry: 'copy',
  steps: {
    copy: {
      does: 'Inside dax_read_lock(), copy the block: not from a device that is dead, nor from a block that is known to be bad. A hole: zeroes.',
      fn: 'copy_cow_page_dax',
      run(k, t) {
        const isHole = t.block === 0
        if (!isHole && daxOf(k, k.vmas.at(t.vma).vm_file)?.alive !== 1)
          return t.done(VM_FAULT_SIGBUS)
        if (!isHole && isBad(k, t.block)) return t.done(badBlock(k))
        if (!isHole) copyPage(k, t.block, t.cow)
        setFlag(k, t.cow, PG.uptodate)
        return 'map'
      },
    },
    map: {
      does: 'Map the copy under the page table lock: anonymous memory of this process, of which the file knows nothing.',
      fn: 'finish_fault',
      when: untilPtl,
      run: (k, t) => t.done(mapOwnCopy(k, t, t.cow) ? VM_FAULT_DONE_COW : VM_FAULT_NOPAGE),
    },
  },
})
