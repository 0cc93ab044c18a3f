import { ref, wide } from '../../arena'
import type { Source } from '../../machine'
import type { Kernel } from '../kernel'
import { unmap_mapping_range } from '../mm/rmap'
import { operation } from '../operation'
import { lockedEntry, lockReason } from './dax-entries'
import { isUnlocked, mmaplockReason } from './inode-locks'

/** `_refcount` of an fs-dax page that nobody uses: up to 6.14 the device itself holds one reference. */
export const daxIdle = (k: Kernel): number => (k.policy.daxRefcount === 'counted' ? 0 : 1)

/** A file page number behind every file: 2^40 pages are more than any device has. */
export const END = 2 ** 40

/** The first page of the file that somebody holds besides the device (dax_layout_busy_page). */
function busyPage(k: Kernel, inode: number): number | undefined {
  for (const { pfn, length } of k.daxEntries.in(inode).runs())
    for (const page of k.pages.runs(pfn, pfn + length))
      if (page.refcount > daxIdle(k)) return page.start
  return undefined
}

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
    leftOut: 'Recalling FL_LAYOUT leases; signals, which end the sleep with -ERESTARTSYS.',
    params: { inode: ref('inode') },
    locals: { busy: wide() },
    entry: 'unmap',
    steps: {
      unmap: {
        does: 'Unmap the whole file: from here a new pin must fault first. No mappers at all: nothing is busy.',
        fn: 'dax_layout_busy_page',
        run(k, t) {
          if (k.vmas.find(({ vm_file }) => vm_file === t.inode) === undefined) return t.done()
          unmap_mapping_range(k, t.inode, 0, END)
          return 'scan'
        },
      },
      scan: {
        does: 'Look at every entry: is there a page with a reference besides the device’s own?',
        fn: 'dax_busy_page',
        when: {
          state: 'D',
          ready: (k, t) => lockedEntry(k, t.inode, 0, END) === undefined,
          reason: (k, t) =>
            lockReason(k, t.inode, lockedEntry(k, t.inode, 0, END)?.start ?? 0, END),
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
        does: 'The page is idle: woken by the last put.',
        fn: sleeper,
        when: {
          state: 'S',
          ready: (k, t) => !k.pages.has(t.busy) || k.pages.at(t.busy).refcount === daxIdle(k),
          reason: (k, t) => {
            const { refcount } = k.pages.at(t.busy)
            return `waits for page 0x${t.busy.toString(16)} to be idle: refcount ${refcount} → ${daxIdle(k)}; held by ${holdersOf(k, t.busy)}`
          },
        },
        run: () => 'retake_mmaplock',
      },
      retake_mmaplock: {
        does: `Take ${lock} again, and look from the start: the file may have been mapped and pinned anew.`,
        fn: sleeper,
        when: {
          state: 'D',
          ready: (k, t) => isUnlocked(k, t.inode),
          reason: (k, t) => mmaplockReason(k, t.inode, lock),
        },
        run(k, t) {
          k.inodes.at(t.inode).mmaplock = t.task.id
          return 'unmap'
        },
      },
    },
  })
