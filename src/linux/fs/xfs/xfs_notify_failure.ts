import { bits, NONE, ref, wide } from '../../../arena'
import { at, both } from '../../../machine'
import { EOPNOTSUPP, EUCLEAN } from '../../include/errno'
import { DAX } from '../../include/fs'
import { MF } from '../../include/mm'
import { PG } from '../../include/page-flags'
import type { Kernel } from '../../kernel'
import { printk } from '../../kernel/printk'
import { alikeUntil } from '../../mm/dax-runs'
import { untilMappersPtl } from '../../mm/locks'
import { collect_procs, kill_procs, unmapVictims } from '../../mm/memory-failure-kill'
import { unmap_mapping_range } from '../../mm/rmap'
import { operation } from '../../operation'
import { deleteEntries, slotsOf, unlockEntries, untilEntryUnlocked } from '../dax-entries'
import { METADATA_PAGES } from '../extents'
import { writersOf } from '../freeze'
import { sync_filesystem } from '../sync'

interface Walk {
  readonly inode: number
  readonly index: number
}

/** A record of the reverse map: a stretch of a file, and the first of its blocks. */
interface Record {
  readonly inode: number
  readonly start: number
  readonly end: number
  readonly pfn: number
}

/** By block, and by file where several have it. */
const byBlock = (one: Record, other: Record): number =>
  one.pfn - other.pfn || one.inode - other.inode || one.start - other.start

/** The record behind `last`, as far as it lies in blocks [from, to): a shared block has one for each file. */
function nextRecord(
  k: Kernel,
  { superBlock, from, to }: { superBlock: number; from: number; to: number },
  last: Record,
): Record | undefined {
  const files = k.inodes.rows().filter(({ i_sb }) => i_sb === superBlock)
  const records = files.flatMap(({ id: inode }) =>
    k.extents
      .in(inode)
      .runs()
      .filter(({ pfn, length }) => pfn < to && from < pfn + length)
      .map(({ start, end, pfn }) => {
        const ahead = Math.max(0, from - pfn)
        return {
          inode,
          start: start + ahead,
          end: Math.min(end, start + to - pfn),
          pfn: pfn + ahead,
        }
      }),
  )
  return records.filter((record) => byBlock(record, last) > 0).sort(byBlock)[0]
}

/** The entry, or of a PMD the entries, that a page of the walk lies in. */
const slotAt = (k: Kernel, { inode, index }: Walk): [first: number, last: number] =>
  slotsOf(k, { inode, first: index, last: index + 1 })

/** What the walk has locked: entries that are alike, each as a whole. */
const lockedSlots = (k: Kernel, { inode, index, end }: Walk & { readonly end: number }) =>
  slotsOf(k, { inode, first: index, last: end })

const untilSlotUnlocked = at(untilEntryUnlocked, (k: Kernel, t: Walk) => {
  const [first, last] = slotAt(k, t)
  return { inode: t.inode, first, last }
})

/** Blocks of the file system's own are among those that are lost. */
function hitsMetadata(k: Kernel, { superBlock, from }: { superBlock: number; from: number }) {
  return from < k.namespaces.at(k.superBlocks.at(superBlock).device).start + METADATA_PAGES
}

const isPreRemove = ({ flags }: { readonly flags: number }): boolean =>
  (flags & MF.mem_pre_remove) !== 0

/** §4.3 and W21 of the DAX sheet: what XFS does when its device fails, or is about to go. */
export const xfs_dax_notify_failure = operation({
  name: 'xfs_dax_notify_failure',
  does: 'The file system hears that its device goes: it finds the files of every block by the reverse map, and kills who maps them.',
  source: {
    file: 'fs/xfs/xfs_notify_failure.c',
    fn: 'xfs_dax_notify_failure',
    version: '6.12',
    evidence: 'recorded',
    note: 'Recorded from outside; the order inside is from the source.',
  },
  leftOut:
    'Logs and realtime devices; entries that are alike are one step, and one victim stands for theirs.',
  params: { superBlock: ref('super_block'), flags: bits(MF), from: wide(), to: wide() },
  locals: {
    inode: ref('inode'),
    first: wide(),
    last: wide(),
    index: wide(),
    end: wide(),
    block: wide(),
    pfn: wide(),
  },
  entry: 'supported',
  steps: {
    supported: {
      does: 'Without a reverse map (rmapbt=0) nobody can say which files are hit: -EOPNOTSUPP.',
      run(k, t) {
        if (k.policy.rmapbt === 'off') return t.done(-EOPNOTSUPP)
        return isPreRemove(t) ? 'freeze' : 'next_extent'
      },
    },
    freeze: {
      does: 'Freeze the file system: writes, truncates and write faults wait from here on. Read faults do not.',
      fn: 'xfs_dax_notify_failure_freeze',
      run(k, t) {
        const superBlock = k.superBlocks.at(t.superBlock)
        superBlock.frozen = 1
        printk(k, `XFS (${superBlock.s_id}): Device is about to be removed!`)
        return 'wait_writers'
      },
    },
    wait_writers: {
      does: 'Wait for the writes, truncates and write faults that had begun. Then nothing becomes dirty any more: sync, which leaves mappings read-only.',
      fn: 'freeze_super',
      when: {
        state: 'D',
        ready(k, t) {
          const { pagefaults, writers } = k.superBlocks.at(t.superBlock)
          return pagefaults === 0 && writers === 0
        },
        reason(k, t) {
          const { pagefaults, writers } = k.superBlocks.at(t.superBlock)
          const what = writers === 0 ? `${pagefaults} write faults` : `${writers} writes`
          return `waits for ${what} that hold the freeze off`
        },
        holders: (k, t) => writersOf(k, t.superBlock),
      },
      run: (_k, t) => t.call(sync_filesystem, { superBlock: t.superBlock }, 'next_extent'),
    },
    next_extent: {
      does: 'The next stretch of a file, in the order of blocks; a block that several files have comes once for each.',
      fn: 'xfs_dax_failure_fn',
      run(k, t) {
        const last = { inode: t.inode, start: t.first, end: t.last, pfn: t.block }
        const next = nextRecord(k, t, last)
        if (next === undefined) return isPreRemove(t) || hitsMetadata(k, t) ? 'shutdown' : t.done()
        t.inode = k.inodes.at(next.inode).id
        t.first = next.start
        t.index = next.start
        t.last = next.end
        t.block = next.pfn
        return 'next_page'
      },
    },
    next_page: {
      does: 'The next entry of it. Pages without one are not mapped by anybody.',
      fn: 'mf_dax_kill_procs',
      run(k, t) {
        const next = k.daxEntries.in(t.inode).find(t.index, t.last)
        if (next === undefined) return isPreRemove(t) ? 'invalidate' : 'next_extent'
        t.index = next.start
        return 'lock_entry'
      },
    },
    lock_entry: {
      does: 'Lock the entry by file and place, so that it works for a block that several files share. A fault that has it locked is awaited; an entry without a page is passed over.',
      fn: 'dax_lock_mapping_entry',
      when: untilSlotUnlocked,
      run(k, t) {
        const entries = k.daxEntries.in(t.inode)
        const end = alikeUntil(k, t.inode, t.index, t.last)
        if (!entries.has(t.index) || entries.at(t.index).pfn === NONE) {
          t.index = end
          return 'next_page'
        }
        const holder = t.task.id
        t.end = end
        t.pfn = entries.at(t.index).pfn
        entries.edit(...lockedSlots(k, t), ({ flags }) => ({ flags: flags | DAX.locked, holder }))
        return 'kill'
      },
    },
    kill: {
      does: 'Collect who maps the page: everybody, before a removal; otherwise who asked to be killed early, or runs here. Unmap if there is anybody; signal; unlock the entry. Pages behind it in an entry of 2 MiB of which nobody is found are the same step here.',
      fn: 'mf_dax_kill_procs',
      run(k, t) {
        const everybody = isPreRemove(t)
        const { inode, index, end, pfn } = t
        if (!everybody)
          k.pages.edit(pfn, pfn + end - index, ({ flags }) => ({ flags: flags | PG.hwpoison }))
        collect_procs(k, t.task.id, { pfn, force: true, everybody, file: { inode, index } })
        unmapVictims(k, t.task.id, { inode, first: index, last: end })
        kill_procs(k, t.task.id, { forcekill: true, pfn, flags: t.flags })
        unlockEntries(k, inode, ...lockedSlots(k, t))
        t.index = end
        return 'next_page'
      },
    },
    invalidate: {
      does: 'Throw the clean entries of the extent away, then unmap it once more. A read may fault it in again afterwards.',
      fn: 'invalidate_inode_pages2_range',
      when: both(untilEntryUnlocked, untilMappersPtl),
      run(k, t) {
        const { inode, first, last } = t
        const entries = k.daxEntries.in(inode).runs(first, last)
        for (const { start, end, marks } of entries)
          if (marks === 0) deleteEntries(k, inode, start, end)
        unmap_mapping_range(k, inode, first, last)
        return 'next_extent'
      },
    },
    shutdown: {
      does: 'Shut the file system down: later faults fail. Without MF_MEM_PRE_REMOVE lost metadata does that, and the answer is -EFSCORRUPTED.',
      fn: 'xfs_force_shutdown',
      run(k, t) {
        k.superBlocks.at(t.superBlock).shutdown = isPreRemove(t) ? 'FORCE_UMOUNT' : 'CORRUPT_ONDISK'
        return isPreRemove(t) ? 'thaw' : t.done(-EUCLEAN)
      },
    },
    thaw: {
      does: 'Thaw: who waited goes on, and finds the file system shut down.',
      fn: 'xfs_dax_notify_failure_thaw',
      run(k, t) {
        k.superBlocks.at(t.superBlock).frozen = 0
        return t.done()
      },
    },
  },
})
