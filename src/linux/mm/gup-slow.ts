import { int, ref, wide } from '../../arena'
import { at } from '../../machine'
import { DIRTY, PTE } from '../arch/x86/pgtable'
import { dax_lease_set_pages, takeLease, untilLeasable } from '../fs/dax-lease'
import { EFAULT, EHWPOISON, EINTR, ENOMEM, EOPNOTSUPP, EREMOTEIO } from '../include/errno'
import { FOLL } from '../include/gup'
import { VM_FAULT_HWPOISON, VM_FAULT_OOM, VM_FAULT_SIGBUS, VM_FAULT_SIGSEGV } from '../include/mm'
import { VM } from '../include/mm_types'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { fatal_signal_pending } from '../kernel/signal'
import { operation } from '../operation'
import { isFsDax } from './filemap'
import { hasFlag, headOf, isAnon, isExclusive, isUncounted } from './folio'
import {
  dropAll,
  folio_is_longterm_pinnable,
  gup_must_unshare,
  isRefusedP2pdma,
  leafPages,
  nextPage,
  record,
  try_grab_folio,
} from './gup-count'
import { untilMmapReadable, untilPtl } from './locks'
import { handle_mm_fault, isMapped } from './memory'
import { get_dev_pagemap, put_dev_pagemap } from './memremap-ref'
import { folio_isolate_lru, migrate_folio } from './migrate'
import { isGone } from './oops'
import { vma_lookup } from './rmap'
import { lru_add_drain_all } from './swap'

const isCow = (vmFlags: number): boolean => (vmFlags & (VM.shared | VM.maywrite)) === VM.maywrite

/** check_vma_flags(): an errno, or 0. Step 2 of §3.2 of the pins sheet. */
function check_vma_flags(k: Kernel, vma: number, flags: number): number {
  const { vm_flags } = k.vmas.at(vma)
  const forced = (flags & FOLL.force) !== 0
  if ((vm_flags & (VM.io | VM.pfnmap)) !== 0) return -EFAULT
  if ((flags & FOLL.longterm) !== 0 && isFsDax(k, vma)) return -EOPNOTSUPP
  if ((flags & FOLL.write) !== 0)
    return (vm_flags & VM.write) !== 0 || (forced && isCow(vm_flags)) ? 0 : -EFAULT
  return (vm_flags & (VM.read | VM.write)) !== 0 || forced ? 0 : -EFAULT
}

interface Walk {
  readonly handle: number
  readonly mm: number
  readonly vpn: number
  readonly broke: number
}

/** vm_fault_to_errno(): only who asks with FOLL_HWPOISON is told of a memory error as such. */
function vm_fault_to_errno(fault: number, flags: number): number {
  if ((fault & VM_FAULT_OOM) !== 0) return -ENOMEM
  if ((fault & VM_FAULT_HWPOISON) !== 0 && (flags & FOLL.hwpoison) !== 0) return -EHWPOISON
  return (fault & (VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV | VM_FAULT_HWPOISON)) !== 0 ? -EFAULT : 0
}

/** What the walk of one page comes to: taken, or which kind of fault it needs. */
type Found = 'taken' | 'read' | 'write' | 'unshare' | 'overflow' | 'remote'

/** 5.8 breaks COW whoever asks: every GUP of a private area counts as a write. */
const isForced = (k: Kernel, vma: number): boolean =>
  k.policy.gupRead === 'breakCow' && isCow(k.vmas.at(vma).vm_flags)

/** can_follow_write_pte(): FOLL_FORCE may take a page that is not writable, once it is our own. */
function mayFollowUnwritable(k: Kernel, pfn: number, pte: number, t: Walk): boolean {
  const { flags } = k.pinHandles.at(t.handle)
  if ((flags & FOLL.force) === 0 || isUncounted(pte)) return false
  if (k.policy.gupForce === 'follCow') return t.broke === 1 && (pte & DIRTY) !== 0
  return isAnon(k, pfn) && isExclusive(k, pfn)
}

/** FOLL_TOUCH of a device PMD (touch_pmd()): young, and dirty if it is to be written. */
function touch(k: Kernel, { mm, vpn }: Walk, pte: number, flags: number): void {
  const isDevicePmd = (pte & (PTE.pse | PTE.devmap)) === (PTE.pse | PTE.devmap)
  if (!isDevicePmd || (flags & FOLL.write) === 0) return
  const start = vpn - (vpn % 512)
  k.ptes.in(mm).edit(start, start + 512, (entry) => ({
    flags: entry.flags | PTE.accessed | PTE.dirty | PTE.soft_dirty,
  }))
}

/** follow_page_pte() under the page table lock: steps 3 to 7 of §3.2. */
function follow_page_pte(k: Kernel, t: Walk): Found {
  const { flags, pages, got } = k.pinHandles.at(t.handle)
  const vma = vma_lookup(k, t.mm, t.vpn)
  const write = (flags & FOLL.write) !== 0 || (vma !== undefined && isForced(k, vma.id))
  const miss = write ? 'write' : 'read'
  if (!isMapped(k, t.mm, t.vpn, false)) return miss
  const { pfn, flags: pte } = k.ptes.in(t.mm).at(t.vpn)
  if (write && (pte & PTE.rw) === 0 && !mayFollowUnwritable(k, pfn, pte, t)) return miss
  const isReadOnly = (pte & PTE.rw) === 0
  if (isReadOnly && gup_must_unshare(k, { mm: t.mm, vpn: t.vpn, pfn, flags })) return 'unshare'
  if (k.pages.has(pfn) && isRefusedP2pdma(k, pfn, flags)) return 'remote'
  const count = leafPages(k, t.mm, t.vpn, pages - got)
  const needsPgmap = (pte & PTE.devmap) !== 0 && k.policy.gupPgmap === 'takes'
  const pgmap = needsPgmap ? get_dev_pagemap(k, pfn) : undefined
  if (needsPgmap && pgmap === undefined) return miss
  if (isGone(k, { pfn }, 'try_grab_folio', 'follow_page_pte')) return 'overflow'
  const taken = try_grab_folio(k, pfn, count, flags)
  if (pgmap !== undefined) put_dev_pagemap(pgmap)
  if (!taken) return 'overflow'
  touch(k, t, pte, flags)
  record(k, t.handle, pfn, count)
  return 'taken'
}

/** The DAX file that the next page is of, 0 if it is of none, or there is no next page. */
function nextFile(k: Kernel, handle: number): number {
  const { mm, got, pages } = k.pinHandles.at(handle)
  const vma = got === pages ? undefined : vma_lookup(k, mm, nextPage(k, handle))
  return vma !== undefined && isFsDax(k, vma.id) ? vma.vm_file : 0
}

/** §3.2 of the pins sheet. Goes on where the fast path stopped. */
export const __get_user_pages = operation({
  name: '__get_user_pages',
  does: 'Takes references of pages the slow way: under the page table lock, faulting where the entry does not do.',
  source: { file: 'mm/gup.c', fn: '__get_user_pages', version: '6.12' },
  leftOut: 'Retries that drop mmap_lock, signals but SIGKILL, batching, secretmem areas.',
  params: { handle: ref('pin_handle') },
  locals: { mm: ref('mm_struct'), vpn: wide(), broke: int(), result: int() },
  entry: 'begin',
  steps: {
    begin: {
      does: 'Whose pages are they?',
      run(k, t) {
        t.mm = k.pinHandles.at(t.handle).mm
        return 'lock'
      },
    },
    lock: {
      does: 'Take mmap_lock for reading: no fork, no munmap meanwhile.',
      fn: 'mmap_read_lock_killable',
      when: untilMmapReadable,
      run(k, t) {
        k.mms.at(t.mm).mmap_readers += 1
        return 'check_vma'
      },
    },
    check_vma: {
      does: 'Find the area of the next page, and check that it may be taken like this. In the series of 2017, take a lease of a DAX file.',
      fn: 'check_vma_flags',
      when: at(untilLeasable, (k: Kernel, t: { handle: number }) => ({
        file: nextFile(k, t.handle),
      })),
      run(k, t) {
        const { pages, got, flags } = k.pinHandles.at(t.handle)
        if (got === pages) return 'unlock'
        t.vpn = nextPage(k, t.handle)
        t.broke = 0
        k.pinHandles.at(t.handle).unmapped = 0
        const vma = vma_lookup(k, t.mm, t.vpn)
        t.result = vma === undefined ? -EFAULT : check_vma_flags(k, vma.id, flags)
        if (t.result === 0 && vma !== undefined && isFsDax(k, vma.id))
          takeLease(k, vma.vm_file, t.handle)
        return t.result < 0 ? 'unlock' : 'follow'
      },
    },
    follow: {
      does: 'Walk to the entry, under its lock: take the page, or fault it in, or unshare it first. SIGKILL ends the loop.',
      fn: 'follow_page_pte',
      when: untilPtl,
      run(k, t) {
        const { mm, vpn } = t
        if (fatal_signal_pending(k, t.task.id)) {
          t.result = -EINTR
          return 'unlock'
        }
        const found = follow_page_pte(k, t)
        if (found === 'taken') return 'check_vma'
        if (found === 'overflow' || found === 'remote') {
          t.result = found === 'remote' ? -EREMOTEIO : -ENOMEM
          return 'unlock'
        }
        const write = found === 'write' ? 1 : 0
        const unshare = found === 'unshare' ? 1 : 0
        const force = (k.pinHandles.at(t.handle).flags & FOLL.force) === 0 ? 0 : 1
        if (write === 1) t.broke = 1
        return t.call(handle_mm_fault, { mm, vpn, write, unshare, force }, 'after_fault')
      },
    },
    after_fault: {
      does: 'Look again, or give up with an error.',
      fn: 'faultin_page',
      run(k, t) {
        t.result = vm_fault_to_errno(t.ret, k.pinHandles.at(t.handle).flags)
        return t.result < 0 ? 'unlock' : 'follow'
      },
    },
    unlock: {
      does: 'Drop mmap_lock.',
      fn: 'mmap_read_unlock',
      run(k, t) {
        k.mms.at(t.mm).mmap_readers -= 1
        dax_lease_set_pages(k, t.handle)
        return t.done(t.result)
      },
    },
  },
})

/**
 * collect_longterm_unpinnable_folios(): the pages of a handle that may not stay where they are. A device
 * that has gone since they were pinned has taken their struct pages along.
 */
const unpinnable = (k: Kernel, handle: number): number[] => {
  const held = k.pinned.in(handle).runs()
  const [at, caller] = ['collect_longterm_unpinnable_folios', '__gup_longterm_locked']
  if (held.some(({ pfn, length }) => isGone(k, { pfn, pages: length }, at, caller))) return []
  const pages = held.flatMap(({ pfn, length }) =>
    Array.from({ length }, (_, i) => headOf(k, pfn + i)),
  )
  return [...new Set(pages)].filter((pfn) => !folio_is_longterm_pinnable(k, pfn))
}

/** §3.6 and W18 of the pins sheet. */
export const __gup_longterm_locked = operation({
  name: '__gup_longterm_locked',
  does: 'A long-term pin: pages in memory that must stay movable are migrated away first.',
  source: { file: 'mm/gup.c', fn: '__gup_longterm_locked', version: '6.12' },
  leftOut: 'CMA, device-coherent memory, large folios; each page is tried once.',
  params: { handle: ref('pin_handle') },
  locals: { left: int(), result: int() },
  entry: 'pin',
  steps: {
    pin: {
      does: 'Pin all of them first.',
      fn: '__get_user_pages_locked',
      run: (_k, t) => t.call(__get_user_pages, { handle: t.handle }, 'collect'),
    },
    collect: {
      does: 'Which may not stay? Drain the LRU batches where they are in the way, and isolate those pages.',
      fn: 'collect_longterm_unpinnable_folios',
      run(k, t) {
        const bad = t.ret < 0 ? [] : unpinnable(k, t.handle)
        if (bad.length === 0) return t.done(t.ret)
        if (bad.some((pfn) => !hasFlag(k, pfn, PG.lru))) lru_add_drain_all(k)
        const isolated = bad.filter((pfn) => folio_isolate_lru(k, pfn))
        isolated.forEach((pfn, i) => {
          k.gathered.in(t.task.id).fill(i, i + 1, { pfn })
        })
        t.left = isolated.length
        return 'unpin'
      },
    },
    unpin: {
      does: 'Unpin all again: a pinned page cannot be migrated.',
      fn: 'pofs_unpin',
      run(k, t) {
        dropAll(k, t.handle)
        return t.left === 0 ? t.done(-ENOMEM) : 'migrate'
      },
    },
    migrate: {
      does: 'Migrate the next of them; all done: pin again.',
      fn: 'migrate_longterm_unpinnable_folios',
      run(k, t) {
        const list = k.gathered.in(t.task.id)
        const next = list.runs()[0]
        if (next === undefined) return t.result < 0 ? t.done(-ENOMEM) : 'pin'
        list.clear(next.start, next.start + 1)
        return t.call(migrate_folio, { pfn: next.pfn, keep: 0 }, 'migrated')
      },
    },
    migrated: {
      does: 'A page that somebody else refers to does not move: the whole call fails with -ENOMEM.',
      fn: 'migrate_pages',
      run(_k, t) {
        if (t.ret < 0) t.result = t.ret
        return 'migrate'
      },
    },
  },
})
