import { bits, int, ref, wide } from '../../arena'
import { at } from '../../machine'
import { slotsOf, unlockEntries, untilEntryUnlocked } from '../fs/dax-entries'
import { xfs_dax_notify_failure } from '../fs/xfs/xfs_notify_failure'
import { EBUSY, ENXIO, EOPNOTSUPP } from '../include/errno'
import { DAX } from '../include/fs'
import { PGMAP_OPS } from '../include/memremap'
import { MF } from '../include/mm'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { headOf, isAnon } from './folio'
import { untilMappersPtl } from './locks'
import { action_result } from './memory-failure-action'
import { collect_procs, kill_procs, unmapVictims } from './memory-failure-kill'
import { isMigratable, pgmap_pfn_valid, put_dev_pagemap } from './memremap-ref'

interface Lost {
  readonly pfn: number
  readonly pages: number
}

/** Where pages of a DAX file say that they belong. */
function slotOfPage(k: Kernel, { pfn, pages }: Lost) {
  const { mapping, index } = k.pages.at(pfn)
  if (mapping === 0) return undefined
  const [first, last] = slotsOf(k, { inode: mapping, first: index, last: index + pages })
  return { inode: mapping, index, first, last }
}

/** Waits for the DAX entry of a page; one that belongs to no file has none. */
const untilPageUnlocked = at(untilEntryUnlocked, (k: Kernel, t: Lost) => slotOfPage(k, t))

/** MF_ACTION_REQUIRED | MF_MUST_KILL: an error in memory of a device is never optional. */
const ALWAYS = MF.action_required | MF.must_kill

/** MF_MEM_REMOVE of the series of 2021: nobody is asked who holds the device, and no reference was taken. */
const isRemoval = ({ flags }: { readonly flags: number }): boolean => (flags & MF.mem_remove) !== 0

/** §5.4 of the DAX sheet, D1 to D4, mf_generic_kill_procs() included. */
export const memory_failure_dev_pagemap = operation({
  name: 'memory_failure_dev_pagemap',
  does: 'A page of a device is lost: finds the file that it belongs to, and who maps that.',
  source: { file: 'mm/memory-failure.c', fn: 'memory_failure_dev_pagemap', version: '6.12' },
  leftOut:
    'The flush of each unmapped stretch is part of its step. A removal reports pages that are alike in one call: one victim and one log line stand for all of them.',
  params: { pfn: wide(), flags: bits(MF), pgmap: ref('dev_pagemap'), pages: wide() },
  locals: { result: int() },
  entry: 'check',
  steps: {
    check: {
      does: 'D1: a page of the device’s own metadata (altmap), which has no struct page of use, cannot be recovered.',
      fn: 'pgmap_pfn_valid',
      run(k, t) {
        t.result = -ENXIO
        const isValid = pgmap_pfn_valid(k, k.pgmaps.at(t.pgmap), t.pfn)
        return isValid && k.pages.has(t.pfn) ? 'notify' : 'put_pgmap'
      },
    },
    notify: {
      does: 'D2: pmem asks the file system that holds the device. Without a reverse map of blocks, or without a holder, the answer is -EOPNOTSUPP.',
      fn: 'dax_holder_notify_failure',
      run(k, t) {
        const { ops, device } = k.pgmaps.at(t.pgmap)
        if ((ops & PGMAP_OPS.memory_failure) === 0 || isRemoval(t)) return 'lock_entry'
        const { dax: id } = k.namespaces.at(device)
        const dax = id === 0 ? undefined : k.daxDevices.at(id)
        t.result = dax?.alive === 1 ? -EOPNOTSUPP : -ENXIO
        if (t.result === -ENXIO) return 'put_pgmap'
        const knowsOwners = dax?.holder !== 0 && k.policy.rmapbt === 'on'
        if (dax === undefined || !knowsOwners) return 'lock_entry'
        const failure = { superBlock: dax.holder, flags: t.flags, from: t.pfn, to: t.pfn + t.pages }
        return t.call(xfs_dax_notify_failure, failure, 'notified')
      },
    },
    notified: {
      does: 'XFS has found every file that has the block, and killed who maps it; or it has lost metadata, and is shut down.',
      fn: 'dax_holder_notify_failure',
      run(_k, t) {
        t.result = t.ret
        return 'put_pgmap'
      },
    },
    lock_entry: {
      does: 'D3: the page itself says which file it is part of: lock its entry there. No file, or several that share the block: -EBUSY. Memory that was migrated to a device: -ENXIO.',
      fn: 'dax_lock_folio',
      when: untilPageUnlocked,
      run(k, t) {
        // A character device has one mapping for all, and no entries to lock.
        const pgmap = k.pgmaps.at(t.pgmap)
        if (isMigratable(pgmap) && isAnon(k, t.pfn)) return 'put_pgmap'
        const isDevice = pgmap.type === 'GENERIC'
        if (isDevice && k.pages.at(headOf(k, t.pfn)).mapping !== 0) return 'set_hwpoison'
        const slot = slotOfPage(k, t)
        const entries = slot && k.daxEntries.in(slot.inode)
        if (slot === undefined || entries?.has(slot.index) !== true) {
          t.result = -EBUSY
          return 'put_pgmap'
        }
        const holder = t.task.id
        entries.edit(slot.first, slot.last, ({ flags }) => ({ flags: flags | DAX.locked, holder }))
        return 'set_hwpoison'
      },
    },
    set_hwpoison: {
      does: 'Mark the page. From here the error counts as consumed: action is required.',
      fn: 'mf_generic_kill_procs',
      run(k, t) {
        const head = headOf(k, t.pfn)
        k.pages.edit(head, head + t.pages, ({ flags }) => ({ flags: flags | PG.hwpoison }))
        t.flags |= ALWAYS
        return 'collect'
      },
    },
    collect: {
      does: 'Note who has an entry of it: this thread’s process, and those that asked for early kill. Others are not noted.',
      fn: 'collect_procs',
      run(k, t) {
        collect_procs(k, t.task.id, { pfn: t.pfn, force: true })
        return 'unmap'
      },
    },
    unmap: {
      does: 'A victim was found: unmap the page from everybody, by the file, victims or not; entries become none. No victim: nothing is unmapped.',
      fn: 'unmap_and_kill',
      source: {
        file: 'mm/memory-failure.c',
        fn: 'unmap_and_kill',
        version: '6.12',
        evidence: 'recorded',
      },
      when: at(untilMappersPtl, (k: Kernel, t: { readonly pfn: number }) => ({
        inode: k.pages.at(headOf(k, t.pfn)).mapping,
      })),
      run(k, t) {
        const { mapping: inode, index: first } = k.pages.at(headOf(k, t.pfn))
        unmapVictims(k, t.task.id, { inode, first, last: first + t.pages })
        return 'kill'
      },
    },
    kill: {
      does: 'Signal the victims.',
      fn: 'kill_procs',
      run(k, t) {
        kill_procs(k, t.task.id, { forcekill: true, pfn: t.pfn, flags: t.flags })
        return 'unlock_entry'
      },
    },
    unlock_entry: {
      does: 'Unlock the entry. It still names the page: a refault maps it again, unless the platform recorded the bad block.',
      fn: 'dax_unlock_folio',
      run(k, t) {
        const slot = slotOfPage(k, t)
        if (slot !== undefined) unlockEntries(k, slot.inode, slot.first, slot.last)
        t.result = 0
        return 'put_pgmap'
      },
    },
    put_pgmap: {
      does: 'D4: drop the pgmap reference, and log what came of it. With MF_MEM_REMOVE (2021) there is none to drop, and the answer is always 0.',
      fn: 'action_result',
      run(k, t) {
        if (isRemoval(t)) t.result = 0
        else put_dev_pagemap(k.pgmaps.at(t.pgmap))
        if (t.result !== -EOPNOTSUPP)
          action_result(k, t.pfn, 'dax page', t.result === 0 ? 'RECOVERED' : 'FAILED', t.pages)
        return t.done(t.result)
      },
    },
  },
})
