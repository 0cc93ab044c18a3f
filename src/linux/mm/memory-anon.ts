import { int, ref, wide } from '../../arena'
import { PTE } from '../arch/x86/pgtable'
import { VM_FAULT_OOM } from '../include/mm'
import { VM } from '../include/mm_types'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { setFlag } from './folio'
import { handOver } from './holders'
import { lockPtl, unlockPtl, untilPtl } from './locks'
import { alloc_page } from './page_alloc'
import { folio_add_new_anon_rmap } from './rmap-anon'
import { folio_add_lru, putAs } from './swap'

/** An entry as a fault makes it: user, accessed, no execution. */
export const FRESH = PTE.present | PTE.user | PTE.accessed | PTE.nx
/** pte_mkdirty() of a private mapping, and pte_mkwrite(). */
export const WRITTEN = PTE.rw | PTE.dirty | PTE.soft_dirty

/** pte_mkdirty(), and maybe_mkwrite(): only an area with write permission gets a writable entry. */
export const dirtyEntry = (k: Kernel, vma: number): number =>
  (k.vmas.at(vma).vm_flags & VM.write) !== 0 ? WRITTEN : WRITTEN & ~PTE.rw

interface Fault {
  readonly vma: number
  readonly mm: number
  readonly vpn: number
  readonly task: { readonly id: number }
}

/**
 * finish_fault() of a private write to a file: the copy becomes anonymous memory of the process. False
 * if there is an entry by now, and the copy is not needed.
 */
export function mapOwnCopy(k: Kernel, { vma, mm, vpn, task }: Fault, fresh: number): boolean {
  if (k.ptes.in(mm).has(vpn)) return false
  handOver(k, fresh, 'alloc')
  folio_add_new_anon_rmap(k, fresh, { mm, vpn })
  folio_add_lru(k, task.id, fresh)
  k.ptes.in(mm).fill(vpn, vpn + 1, { pfn: fresh, flags: FRESH | dirtyEntry(k, vma) })
  return true
}

/** §2.5 and W1 of the pins sheet: the first touch of anonymous memory. */
export const do_anonymous_page = operation({
  name: 'do_anonymous_page',
  does: 'Gives an untouched address of anonymous memory a page: the zero page to read, a new one to write.',
  source: { file: 'mm/memory.c', fn: 'do_anonymous_page', version: '6.12' },
  leftOut: 'Page table pages, userfaultfd, large folios below 2 MiB, accounting.',
  params: { vma: ref('vm_area_struct'), mm: ref('mm_struct'), vpn: wide(), write: int() },
  locals: { pfn: wide() },
  entry: 'choose',
  steps: {
    choose: {
      does: 'A read maps the shared zero page; a write needs a page of its own.',
      run: (_k, t) => (t.write === 0 ? 'zero_page' : 'alloc'),
    },
    zero_page: {
      does: 'Under the page table lock, write a read-only entry of the zero page. Nothing counts it.',
      fn: 'pte_mkspecial',
      when: untilPtl,
      run(k, t) {
        const ptes = k.ptes.in(t.mm)
        if (!ptes.has(t.vpn))
          ptes.fill(t.vpn, t.vpn + 1, { pfn: k.globals.zero_pfn, flags: FRESH | PTE.special })
        return t.done()
      },
    },
    alloc: {
      does: 'Allocate a page and clear it. Its one reference is the allocation’s.',
      fn: 'alloc_anon_folio',
      run(k, t) {
        const pfn = alloc_page(k)
        if (pfn === undefined) return t.done(VM_FAULT_OOM)
        t.pfn = pfn
        return 'lock'
      },
    },
    lock: {
      does: 'Mark it up to date, take the page table lock, and look whether the entry is still none.',
      fn: 'pte_offset_map_lock',
      when: untilPtl,
      run(k, t) {
        setFlag(k, t.pfn, PG.uptodate)
        if (k.ptes.in(t.mm).has(t.vpn)) {
          putAs(k, t.pfn, 'alloc')
          return t.done()
        }
        lockPtl(k, t.mm, t.vpn, t.task.id)
        return 'add_rmap'
      },
    },
    add_rmap: {
      does: 'The page becomes anonymous memory of this process, mapped once; the allocation’s reference is now the entry’s.',
      fn: 'folio_add_new_anon_rmap',
      run(k, t) {
        folio_add_new_anon_rmap(k, t.pfn, t)
        handOver(k, t.pfn, 'alloc')
        return 'add_lru'
      },
    },
    add_lru: {
      does: 'It waits in this CPU’s LRU batch, which takes a reference.',
      fn: 'folio_add_lru_vma',
      run(k, t) {
        folio_add_lru(k, t.task.id, t.pfn)
        return 'set_pte'
      },
    },
    set_pte: {
      does: 'Write the entry, and drop the page table lock.',
      fn: 'set_ptes',
      run(k, t) {
        const flags = FRESH | dirtyEntry(k, t.vma)
        k.ptes.in(t.mm).fill(t.vpn, t.vpn + 1, { pfn: t.pfn, flags })
        unlockPtl(k, t.mm, t.vpn)
        return t.done()
      },
    },
  },
})
