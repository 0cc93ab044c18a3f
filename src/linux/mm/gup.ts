import { int, ref, wide } from '../../arena'
import { PTE } from '../arch/x86/pgtable'
import { usesLeases } from '../fs/dax-lease'
import { EINVAL, ENOMEM } from '../include/errno'
import { FOLL } from '../include/gup'
import { VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { isDax } from './folio'
import {
  addBias,
  addPlain,
  allowedBy,
  dropAll,
  endHold,
  flagsOf,
  folio_is_longterm_pinnable,
  gup_must_unshare,
  gup_put_folio,
  isGettable,
  isRefusedP2pdma,
  leafPages,
  nextPage,
  record,
} from './gup-count'
import { __get_user_pages, __gup_longterm_locked } from './gup-slow'
import { isMapped } from './memory'
import { get_dev_pagemap, put_dev_pagemap } from './memremap-ref'
import { isGone } from './oops'
import { vma_lookup } from './rmap'

type Kind = 'PIN' | 'GET'

/** 5.8 takes the fast path only where the entry is writable, even to read. */
function needsWritable(k: Kernel, mm: number, vpn: number, write: number): boolean {
  if (write === 1) return true
  const vma = vma_lookup(k, mm, vpn)
  return k.policy.gupRead === 'breakCow' && vma !== undefined && (vma.vm_flags & VM.shared) === 0
}

/** May the fast path take what this entry maps? Device pages only for a short time, the zero page never. */
function isFast(flags: number, longterm: number): boolean {
  if ((flags & PTE.devmap) !== 0) return longterm === 0
  return (flags & PTE.special) === 0
}

interface Seen {
  readonly task: { readonly mm: number }
  readonly handle: number
  readonly pfn: number
  readonly pte: number
}

/** The second look at the entry: the same page, the same bits. */
function isUnchanged(k: Kernel, t: Seen): boolean {
  const ptes = k.ptes.in(t.task.mm)
  const vpn = nextPage(k, t.handle)
  if (!ptes.has(vpn)) return false
  const { kind, pfn, flags } = ptes.at(vpn)
  return kind === 'leaf' && pfn === t.pfn && flags === t.pte
}

/** Up to 5.1, and where no reference of the pgmap is taken, the struct page may go meanwhile. */
const isLost = (k: Kernel, { pfn }: Seen, at: string): boolean =>
  isGone(k, { pfn }, at, 'gup_fast_pte_range')

/** §3.3 of the pins sheet, W2. Returns how many pages are held, or an errno; the handle keeps them. */
const gupOperation = (name: string, kind: Kind) =>
  operation({
    name,
    does:
      kind === 'PIN'
        ? 'A device driver pins pages of the process for DMA.'
        : 'A driver takes plain references of pages of the process.',
    source: { file: 'mm/gup.c', fn: name, version: '6.12' },
    leftOut:
      'Protection keys, hugetlb and secretmem; 6.1 tested the placement of long-term pins before the first reference, 6.12 after it.',
    start: {
      label: kind === 'PIN' ? 'Pin for DMA (FOLL_PIN)' : 'Take references (FOLL_GET)',
      on: ['vma', 'pte'],
      by: 'process',
      args: (k, { kind: on, id, key }) => ({
        start: key ?? (on === 'vma' ? k.vmas.at(id).vm_start : 0),
        pages: 1,
        write: 1,
        longterm: 0,
        force: 0,
      }),
      refuse(k, { pages, start, longterm }, task) {
        if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
        if (k.pinHandles.isFull) return 'This simulation has no room for another pin.'
        if (kind === 'GET' && longterm === 1) return 'FOLL_LONGTERM needs FOLL_PIN.'
        return pages >= 1 && pages <= 512 && start >= 0 ? undefined : 'Pin from 1 to 512 pages.'
      },
    },
    params: { start: wide(), pages: int(), write: int(), longterm: int(), force: int() },
    locals: {
      handle: ref('pin_handle'),
      pfn: wide(),
      pte: int(),
      count: int(),
      pgmap: ref('dev_pagemap'),
      seq: int(),
      taken: int(),
    },
    entry: 'begin',
    steps: {
      begin: {
        does:
          kind === 'PIN'
            ? 'Note in the mm that pages are pinned: MMF_HAS_PINNED, before the walk, and never cleared.'
            : 'Begin the walk.',
        fn: 'gup_fast_fallback',
        run(k, t) {
          // is_valid_gup_args()
          if (kind === 'GET' && t.longterm === 1) return t.done(-EINVAL)
          const { mm } = t.task
          const { pages, start } = t
          const flags = flagsOf(kind, t) | allowedBy(k, t.task.id)
          const handle = k.pinHandles.alloc({ kind, flags, task: t.task.id, mm, start, pages })
          if (handle === undefined) return t.done(-ENOMEM)
          t.handle = handle.id
          t.task.pages = handle.id
          if (kind === 'GET' || mm === 0) return 'read_pte'
          k.mms.at(mm).has_pinned = 1
          return 'read_seq'
        },
      },
      read_seq: {
        does: 'Read write_protect_seq (5.11): odd means that a fork is at work, so go the slow way.',
        fn: 'gup_fast',
        run(k, t) {
          t.seq = k.mms.at(t.task.mm).write_protect_seq
          return k.policy.writeProtectSeq === 'on' && t.seq % 2 === 1 ? 'slow' : 'read_pte'
        },
      },
      read_pte: {
        does: 'With interrupts off, walk the page table without any lock, and read the entry once.',
        fn: 'gup_fast_pte_range',
        run(k, t) {
          const { mm } = t.task
          t.task.irqs_off = 1
          t.taken = 0
          k.pinHandles.at(t.handle).unmapped = 0
          const vpn = nextPage(k, t.handle)
          if (!isMapped(k, mm, vpn, needsWritable(k, mm, vpn, t.write))) return 'irqs_on'
          const { flags, pfn } = k.ptes.in(mm).at(vpn)
          const isLeased = usesLeases(k) && k.pages.has(pfn) && isDax(k, pfn)
          if (!isFast(flags, t.longterm) || isLeased) return 'irqs_on'
          t.pfn = pfn
          t.pte = flags
          t.count = leafPages(k, mm, vpn, t.pages - k.pinHandles.at(t.handle).got)
          const takes = k.policy.daxRefcount === 'oneBased' && k.policy.gupPgmap === 'takes'
          return (flags & PTE.devmap) !== 0 && takes ? 'get_pgmap' : 'try_grab'
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
        does: 'Take one reference speculatively, unless there is none left: the page may be somebody else’s by now.',
        fn: 'try_get_folio',
        run(k, t) {
          if (isLost(k, t, 'try_get_folio') || !isGettable(k, t.pfn)) return 'put_pgmap'
          if (isRefusedP2pdma(k, t.pfn, k.pinHandles.at(t.handle).flags)) return 'put_pgmap'
          addPlain(k, t.pfn, t.count, kind === 'PIN' ? 'try' : 'get')
          if (t.longterm === 1) return 'check_longterm'
          if (kind === 'GET') return 'recheck'
          if (k.policy.pinCount === 'twoSteps') return 'add_bias'
          addBias(k, t.pfn, t.count)
          return 'recheck'
        },
      },
      check_longterm: {
        does: 'FOLL_LONGTERM: a page in ZONE_MOVABLE is given back, and the slow path migrates it.',
        fn: 'folio_is_longterm_pinnable',
        run(k, t) {
          if (isLost(k, t, 'folio_is_longterm_pinnable')) return 'put_pgmap'
          if (folio_is_longterm_pinnable(k, t.pfn)) return 'add_bias'
          endHold(k, t.pfn, t.count, 'try')
          gup_put_folio(k, t.pfn, t.count, FOLL.get)
          return 'put_pgmap'
        },
      },
      add_bias: {
        does: 'Add the other 1023, with a full barrier: folio_maybe_dma_pinned() is true from here. A large folio counts in _pincount.',
        fn: 'try_grab_folio_fast',
        run(k, t) {
          if (isLost(k, t, 'try_grab_folio_fast')) return 'put_pgmap'
          addBias(k, t.pfn, t.count)
          return 'recheck'
        },
      },
      recheck: {
        does: 'Read the entry again: unchanged? And may a read-only pin take this page? If not, take back exactly what was added; that put may be the last.',
        fn: 'gup_fast_pte_range',
        run(k, t) {
          const { mm } = t.task
          const flags = flagsOf(kind, t)
          const isReadOnly = (t.pte & PTE.rw) === 0
          const vpn = nextPage(k, t.handle)
          const unshare = isReadOnly && gup_must_unshare(k, { mm, vpn, pfn: t.pfn, flags })
          if (isUnchanged(k, t) && !unshare) return 'record'
          if (isLost(k, t, 'gup_put_folio')) return 'put_pgmap'
          endHold(k, t.pfn, t.count, kind === 'PIN' ? 'pin' : 'get')
          gup_put_folio(k, t.pfn, t.count, flags)
          return 'put_pgmap'
        },
      },
      record: {
        does: 'Mark the page referenced, and note it in the caller’s array.',
        fn: 'folio_set_referenced',
        run(k, t) {
          if (isLost(k, t, 'folio_set_referenced')) return 'put_pgmap'
          endHold(k, t.pfn, t.count, kind === 'PIN' ? 'pin' : 'get')
          record(k, t.handle, t.pfn, t.count)
          t.taken = 1
          return 'put_pgmap'
        },
      },
      put_pgmap: {
        does: 'Drop the pgmap reference, where one was taken: from here the page references stand alone. Taken and more to do: the next page.',
        fn: 'put_dev_pagemap',
        run(k, t) {
          if (t.pgmap !== 0) put_dev_pagemap(k.pgmaps.at(t.pgmap))
          t.pgmap = 0
          const { got, pages } = k.pinHandles.at(t.handle)
          return t.taken === 1 && got < pages ? 'read_pte' : 'irqs_on'
        },
      },
      irqs_on: {
        does: 'Interrupts on. Did a fork begin meanwhile (5.11)? Then every page of this call is dropped again.',
        fn: 'gup_fast',
        run(k, t) {
          t.task.irqs_off = 0
          const handle = k.pinHandles.at(t.handle)
          const { write_protect_seq } = k.mms.at(t.task.mm)
          const raced = kind === 'PIN' && (write_protect_seq !== t.seq || t.seq % 2 === 1)
          if (raced && k.policy.writeProtectSeq === 'on') dropAll(k, t.handle)
          else if (raced && handle.got > 0) handle.raced = 1
          if (handle.got < t.pages) return 'slow'
          handle.state = 'held'
          return t.done(handle.got)
        },
      },
      slow: {
        does: 'Pages are missing: go on the slow way.',
        fn: '__gup_longterm_locked',
        run(k, t) {
          const migrates = t.longterm === 1 && k.policy.longtermMovable === 'migrate'
          const next = migrates ? __gup_longterm_locked : __get_user_pages
          return t.call(next, { handle: t.handle }, 'after_slow')
        },
      },
      after_slow: {
        does: 'Return how many pages are held, or the error if there are none.',
        fn: 'gup_fast_fallback',
        run(k, t) {
          const handle = k.pinHandles.at(t.handle)
          const { got } = handle
          if (got > 0) {
            handle.state = 'held'
            return t.done(got)
          }
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
    refuse(k, { handle }) {
      if (!k.pinHandles.isLive(handle) || k.pinHandles.at(handle).state !== 'held')
        return 'Nothing is pinned under this handle.'
      return k.pinHandles.at(handle).user === ''
        ? undefined
        : 'The I/O holds these pages until it completes.'
    },
  },
  params: { handle: ref('pin_handle') },
  entry: 'unpin',
  steps: {
    unpin: {
      does: 'Subtract what was added. The last put frees an ordinary page; the put that makes a DAX page idle wakes who waits for it.',
      fn: 'gup_put_folio',
      run(k, t) {
        if (!k.pinHandles.isLive(t.handle) || k.pinHandles.at(t.handle).user !== '') return t.done()
        if (k.pinHandles.at(t.handle).state !== 'held') return t.done()
        dropAll(k, t.handle)
        k.pinHandles.free(t.handle)
        return t.done()
      },
    },
  },
})
