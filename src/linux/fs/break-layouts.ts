import { ref, wide } from '../../arena'
import { at, both, type Source } from '../../machine'
import { untilFlushed } from '../arch/x86/mm/tlb'
import { ERESTARTSYS } from '../include/errno'
import type { Kernel } from '../kernel'
import { signal_pending } from '../kernel/signal'
import { untilMappersPtl } from '../mm/locks'
import { mappedStretches, unmap_mapping_range } from '../mm/rmap'
import { operation } from '../operation'
import { handlesIn } from '../wait-holders'
import { daxIdle, isBusy } from './dax-association'
import { untilEntryUnlocked } from './dax-entries'
import { busyHolders } from './dax-holders'
import { untilUnlocked } from './inode-locks'

/** A file page number behind every file: 2^40 pages are more than any device has. */
export const END = 2 ** 40

/** The first page of the file that somebody holds besides the device (dax_layout_busy_page). */
export function busyPage(k: Kernel, inode: number): number | undefined {
  for (const { pfn, length } of k.daxEntries.in(inode).runs())
    for (const page of k.pages.runs(pfn, pfn + length)) if (isBusy(k, page)) return page.start
  return undefined
}

interface Unmapper {
  readonly inode: number
  readonly task: { readonly id: number }
}

/** The zap flushes TLBs: an address space of the file in which a CPU has interrupts off holds that up. */
export const untilZapped = at(untilFlushed, (k: Kernel, { inode, task }: Unmapper) =>
  mappedStretches(k, inode, 0, END)
    .map((stretch) => ({ ...stretch, task }))
    .find((stretch) => !untilFlushed.ready(k, stretch)),
)

const untilAllUnlocked = at(untilEntryUnlocked, (_k: Kernel, { inode }: Unmapper) => ({
  inode,
  first: 0,
  last: END,
}))

/** The entries of the file can be looked at: none is locked, and every TLB is flushed. */
export const untilUnmappable = both(untilAllUnlocked, untilZapped)

/** Nobody maps the file. */
export const isUnmapped = (k: Kernel, inode: number): boolean =>
  k.vmas.find(({ vm_file }) => vm_file === inode) === undefined

/** What keeps a page from being idle, with who holds it. */
function busyReason(k: Kernel, pfn: number): string {
  const { refcount } = k.pages.at(pfn)
  const names = handlesIn(k, pfn, pfn + 1).map(
    ({ kind, task }) => `${k.tasks.at(task).name} (FOLL_${kind})`,
  )
  const holders = names.length === 0 ? 'nobody that is known' : names.join(', ')
  return `waits for page 0x${pfn.toString(16)} to be idle: refcount ${refcount} → ${daxIdle(k)}; held by ${holders}`
}

/** What the sleeper waits for; a page that went with its device counts as idle. */
const isIdle = (k: Kernel, pfn: number): boolean =>
  !k.pages.has(pfn) || k.pages.at(pfn).refcount === daxIdle(k)

/** Names and citations of one file system's break_layouts. */
interface BreakLayouts {
  readonly name: string
  /** The function that sleeps. */
  readonly sleeper: string
  readonly source: Source
  readonly lock: string
}

/** §2.6 and §2.7 of the DAX sheet: unmap the file, and wait until nobody holds a page of it. */
export const breakLayoutsOf = ({ name, sleeper, source, lock }: BreakLayouts) =>
  operation({
    name,
    does: 'Waits until no page of the file is under DMA.',
    source,
    leftOut: 'Recalling FL_LAYOUT leases.',
    params: { inode: ref('inode') },
    locals: { busy: wide() },
    entry: 'unmap',
    steps: {
      unmap: {
        does: 'Unmap the whole file: from here a new pin must fault first. No mappers at all: nothing is busy, up to 6.14.',
        fn: 'dax_layout_busy_page',
        when: untilMappersPtl,
        run(k, t) {
          if (isUnmapped(k, t.inode) && k.policy.daxRefcount === 'oneBased') return t.done()
          unmap_mapping_range(k, t.inode, 0, END)
          return 'scan'
        },
      },
      scan: {
        does: 'The flush of the TLBs is over. Look at every entry: is there a page with a reference besides the device’s own?',
        fn: 'dax_busy_page',
        when: untilUnmappable,
        run(k, t) {
          const busy = busyPage(k, t.inode)
          if (busy === undefined) return t.done()
          t.busy = busy
          return 'drop_mmaplock'
        },
      },
      drop_mmaplock: {
        does: `Drop ${lock}, so that who holds the pin may fault meanwhile, and keep the inode lock.`,
        fn: sleeper,
        run(k, t) {
          k.inodes.at(t.inode).mmaplock = 0
          return 'sleep'
        },
      },
      sleep: {
        does: 'The page is idle: woken by the last put. Or a signal has come.',
        fn: sleeper,
        when: {
          state: 'S',
          ready: (k, t) => isIdle(k, t.busy) || signal_pending(k, t.task.id),
          reason: (k, t) => busyReason(k, t.busy),
          holders: (k, t) => busyHolders(k, t.busy, t.task.id),
        },
        run: () => 'retake_mmaplock',
      },
      retake_mmaplock: {
        does: `Take ${lock} again, and look from the start: the file may have been mapped and pinned anew. After a signal, with the page still busy: -ERESTARTSYS.`,
        fn: sleeper,
        when: untilUnlocked(lock),
        run(k, t) {
          k.inodes.at(t.inode).mmaplock = t.task.id
          const interrupted = !isIdle(k, t.busy) && signal_pending(k, t.task.id)
          return interrupted ? t.done(-ERESTARTSYS) : 'unmap'
        },
      },
    },
  })

/** From 6.15 on, before an inode is evicted: the wait cannot be interrupted (L6 of §8.2). */
export const dax_break_layout_final = operation({
  name: 'dax_break_layout_final',
  does: 'Waits until no page of a file that nobody uses any more is under DMA.',
  source: { file: 'fs/dax.c', fn: 'dax_break_layout_final', version: '6.15' },
  leftOut: 'Nothing that counts here.',
  params: { inode: ref('inode') },
  entry: 'wait',
  steps: {
    wait: {
      does: 'Every page is idle.',
      fn: 'dax_break_layout_final',
      when: {
        state: 'D',
        ready: (k, t) => busyPage(k, t.inode) === undefined,
        reason: (k, t) => busyReason(k, busyPage(k, t.inode) ?? 0),
        holders: (k, t) => busyHolders(k, busyPage(k, t.inode) ?? 0, t.task.id),
      },
      run: (_k, t) => t.done(),
    },
  },
})
