import { int, ref, wide } from '../../arena'
import { at } from '../../machine'
import { PMD_PAGES, PTE } from '../arch/x86/pgtable'
import { DAX } from '../include/fs'
import {
  PAGE_SIZE,
  VM_FAULT_FALLBACK,
  VM_FAULT_NEEDDSYNC,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_SIGBUS,
} from '../include/mm'
import type { Kernel } from '../kernel'
import { hugeZeroPage } from '../mm/huge_memory'
import { zap } from '../mm/rmap'
import { operation } from '../operation'
import { isBad } from './badblocks'
import { badBlock, dax_fault_cow_page } from './dax-cow'
import {
  blockOf,
  daxBits,
  daxOf,
  downgrade,
  insertLeaf,
  mustFallBack,
  releaseEntry,
  sizeRoundedUp,
  slotOf,
  spanOf,
  untilSpanUnlocked,
} from './dax-entries'
import { dax_insert_entry, holdNewPages, letGo, mapsNoPage } from './dax-insert'
import { dax_fault_is_synchronous, dax_finish_sync_fault } from './dax-sync'
import { findFreeBlocks } from './extents'
import { freezers, frozenReason } from './freeze'
import { untilFaultsMay } from './inode-locks'
import { allocateCow, sharingOf } from './reflink'

const superBlockOf = (k: Kernel, vma: number) =>
  k.superBlocks.at(k.inodes.at(k.vmas.at(vma).vm_file).i_sb)

const untilFileMayFault = at(untilFaultsMay, (k: Kernel, { vma }: { readonly vma: number }) => ({
  inode: k.vmas.at(vma).vm_file,
}))

/** §2.3 of the DAX sheet: the fault of a DAX file at one page (order 0) or at a PMD (order 9). */
export const dax_iomap_fault = operation({
  name: 'dax_iomap_fault',
  does: 'Maps pages of a DAX file.',
  source: { file: 'fs/dax.c', fn: 'dax_iomap_fault', version: '6.12' },
  leftOut:
    'The CoW fork of XFS: a file has its new block in the step in which that is allocated, copied and stored; bad blocks among those.',
  params: { vma: ref('vm_area_struct'), vpn: wide(), write: int(), order: int(), cow: wide() },
  locals: {
    pfn: wide(),
    result: int(),
    held: int(),
    dax: ref('dax_device'),
    error: int(),
    sync: int(),
    shared: int(),
  },
  entry: 'start_pagefault',
  steps: {
    start_pagefault: {
      does: 'A write waits while the file system is frozen, and then holds a freeze off. A read does neither.',
      fn: 'sb_start_pagefault',
      when: {
        state: 'D',
        ready: (k, t) => t.write === 0 || superBlockOf(k, t.vma).frozen === 0,
        reason: (k, t) => frozenReason(superBlockOf(k, t.vma)),
        holders: (k, t) => freezers(k, superBlockOf(k, t.vma).id),
      },
      run(k, t) {
        superBlockOf(k, t.vma).pagefaults += t.write
        return 'mmaplock_shared'
      },
    },
    mmaplock_shared: {
      does: 'Take invalidate_lock (XFS: MMAPLOCK) shared, so that the file cannot be truncated now.',
      fn: 'filemap_invalidate_lock_shared',
      when: untilFileMayFault,
      run(k, t) {
        k.inodes.at(k.vmas.at(t.vma).vm_file).mmaplock_shared += 1
        return 'check'
      },
    },
    check: {
      does: 'Is the page inside the file? Can a PMD be mapped here?',
      fn: 'dax_fault_check_fallback',
      run(k, t) {
        const span = spanOf(k, t)
        const pastEnd = span.first * PAGE_SIZE >= sizeRoundedUp(k, span.inode)
        t.result = t.order === 9 ? VM_FAULT_FALLBACK : VM_FAULT_SIGBUS
        if (t.order === 9 && mustFallBack(k, t.vma, span)) return 'unlock_file'
        return pastEnd ? 'unlock_file' : 'grab_entry'
      },
    },
    grab_entry: {
      does: 'Find or make the entry in i_pages, and lock it. A single page out of a hole of 2 MiB: that entry goes first, and is unmapped.',
      fn: 'grab_mapping_entry',
      when: untilSpanUnlocked,
      run(k, t) {
        const span = spanOf(k, t)
        const entries = k.daxEntries.in(span.inode)
        const holder = t.task.id
        const pmd = t.order === 9 ? DAX.pmd : 0
        if (t.order === 0) downgrade(k, span)
        const [first, last] = slotOf(k, span)
        const old = entries.runs(first, last)
        if (t.order === 9 && old.some(({ flags }) => (flags & DAX.pmd) === 0)) return 'unlock_file'
        if (old.length === 0)
          entries.fill(first, last, { flags: DAX.empty | DAX.locked | pmd, holder })
        else entries.edit(first, last, ({ flags }) => ({ flags: flags | DAX.locked, holder }))
        return 'iomap'
      },
    },
    iomap: {
      does: 'Ask the file system for the block; a write to a hole allocates one.',
      fn: 'iomap_iter',
      run(k, t) {
        const span = spanOf(k, t)
        const superBlock = k.superBlocks.at(k.inodes.at(span.inode).i_sb)
        if (superBlock.shutdown !== 'no') return 'unlock_entry'
        const block = blockOf(k, span)
        if (block === 'pieces') return 'unlock_entry'
        if (t.cow !== 0) {
          const { vma, vpn, cow } = t
          const { vm_mm } = k.vmas.at(vma)
          const from = block === 'hole' ? 0 : block
          return t.call(dax_fault_cow_page, { vma, mm: vm_mm, vpn, block: from, cow }, 'copied')
        }
        if (block !== 'hole') {
          const sharing = sharingOf(k, span)
          if (sharing === 'some') return 'unlock_entry'
          t.shared = sharing === 'all' ? 1 : 0
          t.pfn = block
          t.sync = dax_fault_is_synchronous(k, t) ? 1 : 0
          return 'direct_access'
        }
        if (t.write === 0) return 'load_hole'
        const made = findFreeBlocks(k, superBlock.id, span.last - span.first)
        if (made === undefined) return 'unlock_entry'
        k.extents.in(span.inode).fill(span.first, span.last, { pfn: made })
        k.contents.fill(made, made + span.last - span.first, { value: 0 })
        k.inodes.at(span.inode).datasync_dirty = 1
        t.pfn = made
        t.sync = dax_fault_is_synchronous(k, t) ? 1 : 0
        return 'direct_access'
      },
    },
    copied: {
      does: 'A private write has its copy, or an error.',
      fn: 'dax_fault_iter',
      run(_k, t) {
        t.result = t.ret
        return 'unlock_entry'
      },
    },
    direct_access: {
      does: 'Enter dax_read_lock(), and ask the device for the pfn: one that is dead fails, and so does a block that is known to be bad.',
      fn: 'dax_direct_access',
      run(k, t) {
        const dax = daxOf(k, k.vmas.at(t.vma).vm_file)
        if (dax?.alive !== 1) return 'unlock_entry'
        t.dax = dax.id
        dax.srcu_readers += 1
        const { first, last } = spanOf(k, t)
        t.error = isBad(k, t.pfn, last - first) ? 1 : 0
        if (t.error === 1 && t.order === 0) t.result = badBlock(k)
        return 'read_unlock'
      },
    },
    read_unlock: {
      does: 'Leave dax_read_lock(). The entry does not exist yet: whoever kills the device now does not wait for it.',
      fn: 'dax_read_unlock',
      run(k, t) {
        k.daxDevices.at(t.dax).srcu_readers -= 1
        return t.error === 0 ? 'insert_entry' : 'unlock_entry'
      },
    },
    insert_entry: {
      does: 'Store the pfn in the entry, tell the pages which file they belong to, mark it dirty on a write. A shared block is stored, counted and unmapped anew each time; a write gets a block of its own first, and a copy of the data. MAP_SYNC, and the log does not know the block: no page table entry yet (VM_FAULT_NEEDDSYNC). The struct pages are gone: an oops, which ends the thread.',
      fn: 'dax_insert_entry',
      run(k, t) {
        if (t.shared === 1 && t.write === 1 && !takeOwnBlock(k, t)) return 'unlock_entry'
        const inserted = dax_insert_entry(k, spanOf(k, t), t)
        if (inserted === 'oops') {
          t.result = VM_FAULT_OOM
          return 'unlock_entry'
        }
        const isNew = inserted === 'associated'
        if (isNew && t.sync === 0) t.held = holdNewPages(k, t.pfn, t.order === 9 ? PMD_PAGES : 1)
        if (t.sync === 0) return 'insert_pte'
        t.result = VM_FAULT_NEEDDSYNC
        return 'unlock_entry'
      },
    },
    insert_pte: {
      does: 'Write the page table entry, under its lock. From 6.15 on it counts in the page: an oops if the struct page is gone.',
      fn: 'vmf_insert_mixed_mkwrite',
      run(k, t) {
        const span = spanOf(k, t)
        const { vm_mm } = k.vmas.at(t.vma)
        if (mapsNoPage(k, t.pfn, span.last - span.first)) {
          t.result = VM_FAULT_OOM
          return 'unlock_entry'
        }
        insertLeaf(k, vm_mm, span, t.pfn, daxBits(k, t.order), t.write === 1)
        t.result = VM_FAULT_NOPAGE
        return 'unlock_entry'
      },
    },
    load_hole: {
      does: 'A hole is read: map the shared zero page, of 2 MiB where there is one, and note it in the entry.',
      fn: 'dax_load_hole',
      run(k, t) {
        const span = spanOf(k, t)
        const { inode, first, last } = span
        const isPmd = t.order === 9
        const zero = isPmd ? hugeZeroPage(k) : k.globals.zero_pfn
        if (zero === undefined) return 'unlock_entry'
        const flags = DAX.locked | DAX.zero_page | (isPmd ? DAX.pmd : 0)
        k.daxEntries.in(inode).fill(first, last, { flags, holder: t.task.id })
        const { vm_mm } = k.vmas.at(t.vma)
        insertLeaf(k, vm_mm, span, zero, isPmd ? PTE.pse : PTE.special, false)
        t.result = VM_FAULT_NOPAGE
        return 'unlock_entry'
      },
    },
    unlock_entry: {
      does: 'Unlock the entry and wake one who waits for it; an entry that stayed empty goes.',
      fn: 'dax_unlock_entry',
      run(k, t) {
        const span = spanOf(k, t)
        releaseEntry(k, span)
        if (t.held === 1) letGo(k, t.pfn, span.last - span.first)
        return t.result === VM_FAULT_NEEDDSYNC ? 'finish_sync' : 'unlock_file'
      },
    },
    finish_sync: {
      does: 'Still under invalidate_lock, sync and then map the page: no truncate can come between.',
      fn: 'dax_finish_sync_fault',
      run(_k, t) {
        const { vma, vpn, order, pfn } = t
        return t.call(dax_finish_sync_fault, { vma, vpn, order, pfn }, 'unlock_file')
      },
    },
    unlock_file: {
      does: 'Drop invalidate_lock, and the protection from a freeze. A PMD that could not be mapped is split, which clears a DAX PMD.',
      fn: 'filemap_invalidate_unlock_shared',
      run(k, t) {
        const span = spanOf(k, t)
        k.inodes.at(span.inode).mmaplock_shared -= 1
        superBlockOf(k, t.vma).pagefaults -= t.write
        if (t.result === VM_FAULT_NEEDDSYNC) t.result = t.ret
        if (t.result === VM_FAULT_FALLBACK) splitPmd(k, k.vmas.at(t.vma).vm_mm, t.vpn)
        return t.done(t.result)
      },
    },
  },
})

interface Write {
  readonly vma: number
  readonly vpn: number
  readonly order: number
  readonly write: number
  pfn: number
  sync: number
}

/** xfs_reflink_allocate_cow(): a write to a block that other files have too. False: no space. */
function takeOwnBlock(k: Kernel, t: Write): boolean {
  const { inode, first, last } = spanOf(k, t)
  const made = allocateCow(k, inode, { start: first, end: last, pfn: t.pfn })
  if (made === undefined) return false
  t.pfn = made
  t.sync = dax_fault_is_synchronous(k, t) ? 1 : 0
  return true
}

/** split_huge_pmd() of a DAX mapping: the leaf is cleared, and its pages fault again one by one. */
function splitPmd(k: Kernel, mm: number, vpn: number): void {
  const ptes = k.ptes.in(mm)
  const start = vpn - (vpn % PMD_PAGES)
  if (ptes.has(vpn) && (ptes.at(vpn).flags & PTE.pse) !== 0) zap(k, mm, start, start + PMD_PAGES)
}
