import { ref, wide } from '../../arena'
import { at } from '../../machine'
import { flush_tlb_range } from '../arch/x86/mm/tlb'
import { PTE } from '../arch/x86/pgtable'
import { DAX, TAG } from '../include/fs'
import type { Kernel } from '../kernel'
import { isOwnCopy, mappedStretches } from '../mm/rmap'
import { operation } from '../operation'
import { END } from './break-layouts'
import { slotsOf, unlockEntries, untilEntryUnlocked } from './dax-entries'

interface Walk {
  readonly inode: number
  readonly from: number
  readonly to: number
  readonly last: number
}

/** The next entry behind the last that is tagged: what is written behind the walk, or after it began, is not. */
function taggedEntry(k: Kernel, { inode, from, to, last }: Walk) {
  const [first, end] = slotsOf(k, { inode, first: from, last: to })
  const isTagged = ({ marks }: { readonly marks: number }) => (marks & TAG.towrite) !== 0
  return k.daxEntries.in(inode).find(Math.max(first, last), end, isTagged)
}

const isDirty = ({ marks }: { readonly marks: number }) => (marks & TAG.dirty) !== 0

/** mapping_tagged(PAGECACHE_TAG_DIRTY): has a DAX file an entry that is to be written back? */
export const hasDirtyEntry = (k: Kernel, inode: number): boolean =>
  k.daxEntries.in(inode).find(0, END, isDirty) !== undefined

/** Waits for the lock of the next tagged entry. */
const untilTaggedUnlocked = at(untilEntryUnlocked, (k: Kernel, t: Walk) => {
  const entry = taggedEntry(k, t)
  return entry && { inode: t.inode, first: entry.start, last: entry.end }
})

/** §2.5 of the DAX sheet. Equal neighbouring entries are one step here, however many they are. */
export const dax_writeback_mapping_range = operation({
  name: 'dax_writeback_mapping_range',
  does: 'Writes dirty pages of a DAX file back: makes their mappings read-only, and flushes caches.',
  source: { file: 'fs/dax.c', fn: 'dax_writeback_mapping_range', version: '6.12' },
  leftOut:
    'Entries are cleaned in runs of equals, not one by one; the flush of CPU caches has no state here.',
  params: { inode: ref('inode'), from: wide(), to: wide() },
  locals: { first: wide(), last: wide() },
  entry: 'tag',
  steps: {
    tag: {
      does: 'Mark the entries that are dirty now as TOWRITE. Only those are written, so that it ends, however fast somebody writes. A file without a dirty entry is done.',
      fn: 'tag_pages_for_writeback',
      source: {
        file: 'mm/page-writeback.c',
        fn: 'tag_pages_for_writeback',
        version: '6.12',
        evidence: 'memory',
      },
      run(k, t) {
        const { inode, from, to } = t
        if (!hasDirtyEntry(k, inode)) return t.done()
        const entries = k.daxEntries.in(inode)
        for (const entry of entries.runs(...slotsOf(k, { inode, first: from, last: to })))
          if (isDirty(entry))
            entries.edit(entry.start, entry.end, ({ marks }) => ({ marks: marks | TAG.towrite }))
        return 'next'
      },
    },
    next: {
      does: 'Find the next tagged entry, lock it, and take the tag off.',
      fn: 'dax_writeback_one',
      when: untilTaggedUnlocked,
      run(k, t) {
        const entry = taggedEntry(k, t)
        if (entry === undefined) return t.done()
        t.first = entry.start
        t.last = entry.end
        const holder = t.task.id
        k.daxEntries.in(t.inode).edit(entry.start, entry.end, ({ flags, marks }) => ({
          flags: flags | DAX.locked,
          marks: marks & ~TAG.towrite,
          holder,
        }))
        return 'mkclean'
      },
    },
    mkclean: {
      does: 'Write-protect every page table entry of the range, wherever the file is mapped.',
      fn: 'pfn_mkclean_range',
      run(k, t) {
        for (const { mm, start, end } of mappedStretches(k, t.inode, t.first, t.last)) {
          k.ptes
            .in(mm)
            .edit(start, end, (pte) =>
              isOwnCopy(k, pte) ? {} : { flags: pte.flags & ~(PTE.rw | PTE.dirty) },
            )
          flush_tlb_range(k, mm, start, end)
        }
        return 'flush'
      },
    },
    flush: {
      does: 'Flush the CPU caches, clear the dirty mark, unlock the entry.',
      fn: 'dax_flush',
      run(k, t) {
        k.daxEntries
          .in(t.inode)
          .edit(t.first, t.last, ({ marks }) => ({ marks: marks & ~TAG.dirty }))
        unlockEntries(k, t.inode, t.first, t.last)
        return 'next'
      },
    },
  },
})
