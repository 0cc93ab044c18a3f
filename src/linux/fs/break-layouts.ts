import { ref, wide } from '../../arena'
import type { Source } from '../../machine'
import { untilFlushed } from '../arch/x86/mm/tlb'
import { ERESTARTSYS } from '../include/errno'
import type { Kernel } from '../kernel'
import { signal_pending } from '../kernel/signal'
import { mappedStretches, unmap_mapping_range } from '../mm/rmap'
import { operation } from '../operation'
import { daxIdle, lockedEntry, lockReason } from './dax-entries'
import { isUnlocked, mmaplockReason } from './inode-locks'

/** A file page number behind every file: 2^40 pages are more than any device has. */
export const END = 2 ** 40

/** The first page of the file that somebody holds besides the device (dax_layout_busy_page). */
export function busyPage(k: Kernel, inode: number): number | undefined {
  for (const { pfn, length } of k.daxEntries.in(inode).runs())
    for (const page of k.pages.runs(pfn, pfn + length))
      if (page.refcount > daxIdle(k)) return page.start
  return undefined
}

interface Unmapper {
  readonly inode: number
  readonly task: { readonly id: number }
}

/** The zap flushes TLBs: an address space of the file in which a CPU has interrupts off holds that up. */
const deafMapper = (k: Kernel, { inode, task }: Unmapper) =>
  mappedStretches(k, inode, 0, END).find((stretch) => !untilFlushed.ready(k, { ...stretch, task }))

/** Who holds a page, for the reason that a waiting task shows. */
function holdersOf(k: Kernel, pfn: number): string {
  const holds = (handle: number) =>
    k.pinned
      .in(handle)
      .runs()
      .some((run) => run.pfn <= pfn && pfn < run.pfn + run.length)
  const names = k.pinHandles
    .rows()
    .filter(({ id }) => holds(id))
    .map(({ kind, task }) => `${k.tasks.at(task).name} (FOLL_${kind})`)
  return names.length === 0 ? 'nobody that is known' : names.join(', ')
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
        run(k, t) {
          const isUnmapped = k.vmas.find(({ vm_file }) => vm_file === t.inode) === undefined
          if (isUnmapped && k.policy.daxRefcount === 'oneBased') return t.done()
          unmap_mapping_range(k, t.inode, 0, END)
          return 'scan'
        },
      },
      scan: {
        does: 'The flush of the TLBs is over. Look at every entry: is there a page with a reference besides the device’s own?',
        fn: 'dax_busy_page',
        when: {
          state: 'D',
          ready: (k, t) =>
            lockedEntry(k, t.inode, 0, END) === undefined && deafMapper(k, t) === undefined,
          reason: (k, t) => {
            const deaf = deafMapper(k, t)
            if (deaf !== undefined) return untilFlushed.reason(k, { ...deaf, task: t.task })
            return lockReason(k, t.inode, lockedEntry(k, t.inode, 0, END)?.start ?? 0, END)
          },
        },
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
          reason: (k, t) => {
            const { refcount } = k.pages.at(t.busy)
            return `waits for page 0x${t.busy.toString(16)} to be idle: refcount ${refcount} → ${daxIdle(k)}; held by ${holdersOf(k, t.busy)}`
          },
        },
        run: () => 'retake_mmaplock',
      },
      retake_mmaplock: {
        does: `Take ${lock} again, and look from the start: the file may have been mapped and pinned anew. After a signal, with the page still busy: -ERESTARTSYS.`,
        fn: sleeper,
        when: {
          state: 'D',
          ready: (k, t) => isUnlocked(k, t.inode),
          reason: (k, t) => mmaplockReason(k, t.inode, lock),
        },
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
        reason: (k, t) => {
          const busy = busyPage(k, t.inode) ?? 0
          const { refcount } = k.pages.at(busy)
          return `waits for page 0x${busy.toString(16)} to be idle: refcount ${refcount} → ${daxIdle(k)}; held by ${holdersOf(k, busy)}`
        },
      },
      run: (_k, t) => t.done(),
    },
  },
})
