import { int, ref, wide } from '../../arena'
import { PMD_PAGES, PTE } from '../arch/x86/pgtable'
import { EFAULT, ENOMEM, EOPNOTSUPP } from '../include/errno'
import { FOLL } from '../include/gup'
import { VM_FAULT_SIGBUS, VM_FAULT_SIGSEGV } from '../include/mm'
import { VM } from '../include/mm_types'
import { GUP_PIN_COUNTING_BIAS, PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { printk } from '../kernel/printk'
import { operation } from '../operation'
import { handle_mm_fault, isMapped } from './memory'
import { get_dev_pagemap, put_dev_pagemap } from './memremap'
import { vma_lookup } from './rmap'

/** What one reference of this flavour adds to `_refcount` of a small page. */
const referenceOf = (flags: number): number =>
  (flags & FOLL.pin) !== 0 ? GUP_PIN_COUNTING_BIAS : 1

/** Adds to the reference counts of consecutive pages that have struct pages. */
const addReferences = (k: Kernel, pfn: number, pages: number, count: number): void =>
  k.pages.edit(pfn, pfn + pages, ({ refcount }) => ({ refcount: refcount + count }))

/** Pages from `vpn` on that one leaf entry maps, at most `wanted`. */
function leafPages(k: Kernel, mm: number, vpn: number, wanted: number): number {
  const { flags } = k.ptes.in(mm).at(vpn)
  return (flags & PTE.pse) === 0 ? 1 : Math.min(wanted, PMD_PAGES - (vpn % PMD_PAGES))
}

function record(k: Kernel, handle: number, pfn: number, pages: number): void {
  const row = k.pinHandles.at(handle)
  k.pinned.in(handle).fill(row.got, row.got + pages, { pfn })
  k.pages.edit(pfn, pfn + pages, ({ flags }) => ({ flags: flags | PG.referenced }))
  row.got += pages
}

/** The next virtual page that a handle still wants. */
const nextPage = (k: Kernel, handle: number): number => {
  const { start, got } = k.pinHandles.at(handle)
  return start + got
}

/** §3.2 of the pins sheet, for areas that map DAX files. Goes on where the fast path stopped. */
export const __get_user_pages = operation({
  name: '__get_user_pages',
  does: 'Takes references of pages the slow way: under the page table lock, faulting where nothing is mapped.',
  source: { file: 'mm/gup.c', fn: '__get_user_pages', version: '6.12' },
  leftOut: 'mmap_lock, anonymous memory (unsharing, COW), FOLL_FORCE, retries, batching.',
  params: { handle: ref('pin_handle') },
  entry: 'check_vma',
  steps: {
    check_vma: {
      does: 'Find the area, and check that it may be pinned like this.',
      fn: 'check_vma_flags',
      run(k, t) {
        const { mm, flags } = k.pinHandles.at(t.handle)
        const vma = vma_lookup(k, mm, nextPage(k, t.handle))
        const wanted = (flags & FOLL.write) !== 0 ? VM.write : VM.read
        if (vma === undefined || (vma.vm_flags & wanted) === 0) return t.done(-EFAULT)
        if ((flags & FOLL.longterm) !== 0) return t.done(-EOPNOTSUPP)
        return 'follow'
      },
    },
    follow: {
      does: 'Walk the page table under its lock; fault the page in if the entry does not allow the access.',
      fn: 'follow_page_pte',
      run(k, t) {
        const { mm, flags } = k.pinHandles.at(t.handle)
        const vpn = nextPage(k, t.handle)
        const write = (flags & FOLL.write) !== 0
        if (isMapped(k, mm, vpn, write)) return 'grab'
        return t.call(handle_mm_fault, { mm, vpn, write: write ? 1 : 0 }, 'after_fault')
      },
    },
    after_fault: {
      does: 'Look again, or give up with -EFAULT.',
      fn: 'faultin_page',
      run: (_k, t) =>
        (t.ret & (VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV)) === 0 ? 'follow' : t.done(-EFAULT),
    },
    grab: {
      does: 'Take the references, with a pgmap reference held meanwhile. With no live pgmap: fault again.',
      fn: 'try_grab_folio',
      run(k, t) {
        const { mm, flags, pages, got } = k.pinHandles.at(t.handle)
        const vpn = nextPage(k, t.handle)
        if (!isMapped(k, mm, vpn, (flags & FOLL.write) !== 0)) return 'follow'
        const { pfn, flags: bits } = k.ptes.in(mm).at(vpn)
        const count = leafPages(k, mm, vpn, pages - got)
        if ((bits & PTE.devmap) !== 0) {
          const pgmap = get_dev_pagemap(k, pfn)
          if (pgmap === undefined) return 'follow'
          addReferences(k, pfn, count, referenceOf(flags))
          put_dev_pagemap(pgmap)
        } else addReferences(k, pfn, count, referenceOf(flags))
        record(k, t.handle, pfn, count)
        return got + count < pages ? 'check_vma' : t.done()
      },
    },
  },
})

const flagsOf = (kind: 'PIN' | 'GET', write: number, longterm: number): number =>
  (kind === 'PIN' ? FOLL.pin : FOLL.get) |
  (write === 1 ? FOLL.write : 0) |
  (longterm === 1 ? FOLL.longterm : 0)

/** §3.3 of the pins sheet. Returns how many pages are held, or an errno; the handle keeps them. */
const gupOperation = (name: string, kind: 'PIN' | 'GET') =>
  operation({
    name,
    does:
      kind === 'PIN'
        ? 'A device driver pins pages of the process for DMA.'
        : 'A driver takes plain references of pages of the process.',
    source: { file: 'mm/gup.c', fn: name, version: '6.12' },
    leftOut:
      'write_protect_seq, the unshare test, and pages that are not DAX; FOLL_PIN adds 1, then 1023: one step here.',
    start: {
      label: kind === 'PIN' ? 'Pin for DMA (FOLL_PIN)' : 'Take references (FOLL_GET)',
      on: ['vma', 'pte'],
      by: 'process',
      args: (k, { kind: on, id, key }) => ({
        start: key ?? (on === 'vma' ? k.vmas.at(id).vm_start : 0),
        pages: 1,
        write: 1,
        longterm: 0,
      }),
      refuse(k, { pages, start }, task) {
        if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
        if (k.pinHandles.isFull) return 'This simulation has no room for another pin.'
        return pages >= 1 && pages <= 512 && start >= 0 ? undefined : 'Pin from 1 to 512 pages.'
      },
    },
    params: { start: wide(), pages: int(), write: int(), longterm: int() },
    locals: { handle: ref('pin_handle'), pfn: wide(), count: int(), pgmap: ref('dev_pagemap') },
    entry: 'begin',
    steps: {
      begin: {
        does: 'Note in the mm that pages are pinned, and turn interrupts off: entries may be read without a lock.',
        fn: 'gup_fast',
        run(k, t) {
          const { mm } = t.task
          const flags = flagsOf(kind, t.write, t.longterm)
          const { pages, start } = t
          const handle = k.pinHandles.alloc({ kind, flags, task: t.task.id, mm, start, pages })
          if (handle === undefined) return t.done(-ENOMEM)
          t.handle = handle.id
          if (kind === 'PIN' && mm !== 0) k.mms.at(mm).has_pinned = 1
          t.task.irqs_off = 1
          return 'read_pte'
        },
      },
      read_pte: {
        does: 'Read the entry without any lock.',
        fn: 'gup_fast_pte_range',
        run(k, t) {
          const { mm } = t.task
          const vpn = nextPage(k, t.handle)
          if (!isMapped(k, mm, vpn, t.write === 1)) return 'irqs_on'
          const { flags, pfn } = k.ptes.in(mm).at(vpn)
          if ((flags & PTE.devmap) === 0 || t.longterm === 1) return 'irqs_on'
          t.pfn = pfn
          t.count = leafPages(k, mm, vpn, t.pages - k.pinHandles.at(t.handle).got)
          return 'get_pgmap'
        },
      },
      get_pgmap: {
        does: 'Take a pgmap reference, so that the struct pages cannot go. If it is dying, give up.',
        fn: 'get_dev_pagemap',
        run(k, t) {
          const pgmap = get_dev_pagemap(k, t.pfn)
          if (pgmap === undefined) return 'irqs_on'
          t.pgmap = pgmap.id
          return 'try_grab'
        },
      },
      try_grab: {
        does: `Take the reference speculatively: ${kind === 'PIN' ? '1024 for FOLL_PIN' : '1 for FOLL_GET'}.`,
        fn: 'try_grab_folio_fast',
        run(k, t) {
          addReferences(k, t.pfn, t.count, referenceOf(flagsOf(kind, 0, 0)))
          return 'recheck'
        },
      },
      recheck: {
        does: 'Read the entry again. Unchanged: the pages are held. Changed: drop the reference, and give up.',
        fn: 'gup_fast_pte_range',
        run(k, t) {
          const { mm } = t.task
          const vpn = nextPage(k, t.handle)
          const same = isMapped(k, mm, vpn, t.write === 1) && k.ptes.in(mm).at(vpn).pfn === t.pfn
          if (!same) {
            addReferences(k, t.pfn, t.count, -referenceOf(flagsOf(kind, 0, 0)))
            return 'put_pgmap_bail'
          }
          record(k, t.handle, t.pfn, t.count)
          return 'put_pgmap'
        },
      },
      put_pgmap: {
        does: 'Drop the pgmap reference: the page reference stands alone from here.',
        fn: 'put_dev_pagemap',
        run(k, t) {
          put_dev_pagemap(k.pgmaps.at(t.pgmap))
          return k.pinHandles.at(t.handle).got < t.pages ? 'read_pte' : 'irqs_on'
        },
      },
      put_pgmap_bail: {
        does: 'Drop the pgmap reference; this page was not taken.',
        fn: 'put_dev_pagemap',
        run(k, t) {
          put_dev_pagemap(k.pgmaps.at(t.pgmap))
          return 'irqs_on'
        },
      },
      irqs_on: {
        does: 'Turn interrupts on. If pages are missing, go on the slow way.',
        fn: 'gup_fast_fallback',
        run(k, t) {
          t.task.irqs_off = 0
          const { got } = k.pinHandles.at(t.handle)
          return got === t.pages
            ? t.done(got)
            : t.call(__get_user_pages, { handle: t.handle }, 'after_slow')
        },
      },
      after_slow: {
        does: 'Return how many pages are held, or the error if there are none.',
        fn: 'gup_fast_fallback',
        run(k, t) {
          const { got } = k.pinHandles.at(t.handle)
          if (got > 0) return t.done(got)
          k.pinHandles.free(t.handle)
          return t.done(t.ret)
        },
      },
    },
  })

export const pin_user_pages_fast = gupOperation('pin_user_pages_fast', 'PIN')
export const get_user_pages_fast = gupOperation('get_user_pages_fast', 'GET')

/** §3.5 of the pins sheet: drops what a handle holds. */
export const unpin_user_pages = operation({
  name: 'unpin_user_pages',
  does: 'The driver is done with the pages: DMA has ended, and the references go.',
  source: { file: 'mm/gup.c', fn: 'unpin_user_pages', version: '6.12' },
  leftOut: 'Marking pages dirty; FOLL_GET pages go through put_page().',
  start: {
    label: 'Unpin: the DMA is done',
    on: ['pin'],
    by: 'process',
    args: (k, { id }) => ({ handle: k.pinHandles.at(id).id }),
    refuse: (k, { handle }) =>
      k.pinHandles.isLive(handle) ? undefined : 'Nothing is pinned under this handle.',
  },
  params: { handle: ref('pin_handle') },
  entry: 'unpin',
  steps: {
    unpin: {
      does: 'Subtract what was added. The put that makes a DAX page idle wakes who waits for it.',
      fn: 'gup_put_folio',
      run(k, t) {
        if (!k.pinHandles.isLive(t.handle)) return t.done()
        const { flags } = k.pinHandles.at(t.handle)
        for (const { pfn, length } of k.pinned.in(t.handle).runs()) {
          if (!k.pages.covers(pfn, pfn + length))
            printk(
              k,
              `BUG: unable to handle page fault: unpin_user_pages touches the struct page of pfn 0x${pfn.toString(16)}, which is gone`,
            )
          addReferences(k, pfn, length, -referenceOf(flags))
        }
        k.pinned.in(t.handle).clear(0, 512)
        k.pinHandles.free(t.handle)
        return t.done()
      },
    },
  },
})
