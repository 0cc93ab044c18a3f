import type { Holder } from '../../machine'
import { MEMORY_BLOCK_PAGES } from '../include/memory'
import { PG } from '../include/page-flags'
import type { Kernel } from '../kernel'
import { signal_pending } from '../kernel/signal'
import { pageHolders, taskHolds } from '../wait-holders'
import { handlesOf, pipeBuffersOf } from './labels'
import { expectedRefs, isMovable, type Stretch } from './migrate-batch'

type PageRun = ReturnType<Kernel['pages']['runs']>[number]

/** mm/memory_hotplug.c’s variables; a machine without hotplug has none. */
export const hotplugOf = (k: Kernel) => k.hotplug.find(() => true)

/** lock_device_hotplug(): adding, removing, onlining and offlining exclude each other. */
export const untilHotplugFree = {
  state: 'D' as const,
  ready: (k: Kernel) => (hotplugOf(k)?.device_hotplug_lock ?? 0) === 0,
  reason(k: Kernel): string {
    const holder = hotplugOf(k)?.device_hotplug_lock ?? 0
    return `waits for device_hotplug_lock, which ${holder === 0 ? 'nobody' : k.tasks.at(holder).name} holds`
  },
  holders: (k: Kernel) => taskHolds(hotplugOf(k)?.device_hotplug_lock ?? 0),
}

export function lockHotplug(k: Kernel, task: number): void {
  const row = hotplugOf(k)
  if (row !== undefined) row.device_hotplug_lock = task === 0 ? 0 : k.tasks.at(task).id
}

/** lru_cache_disable(), zone_pcp_disable(), and the way back. */
export function disableBatches(k: Kernel, by: 1 | -1): void {
  const row = hotplugOf(k)
  if (row !== undefined) row.lru_disable_count += by
}

/** Memory blocks beside each other. */
export interface Blocks {
  readonly block: number
  readonly blocks: number
}

/** The pages of memory blocks. */
export const blockPages = ({ block, blocks }: Blocks): Stretch => ({
  start: block * MEMORY_BLOCK_PAGES,
  end: (block + blocks) * MEMORY_BLOCK_PAGES,
})

type BlockRow = Partial<
  Pick<ReturnType<Kernel['memoryBlocks']['at']>, 'state' | 'zone' | 'isolated'>
>

/** Changes the rows of memory blocks. */
export const setBlocks = (k: Kernel, { block, blocks }: Blocks, row: BlockRow): void =>
  k.memoryBlocks.edit(block, block + blocks, () => row)

/** Zones follow the blocks that are online, or on their way: one row for each stretch of a zone. */
export function syncZones(k: Kernel): void {
  const isAdded = (pfn: number) => k.memoryBlocks.has(Math.floor(pfn / MEMORY_BLOCK_PAGES))
  for (const zone of k.zones.rows()) if (isAdded(zone.start)) k.zones.free(zone.id)
  let open: { type: 'MOVABLE' | 'NORMAL'; start: number; end: number } | undefined
  for (const { start, end, state, zone } of k.memoryBlocks.runs()) {
    if (state === 'offline') continue
    const first = start * MEMORY_BLOCK_PAGES
    const last = end * MEMORY_BLOCK_PAGES
    if (open?.type === zone && open.end === first) {
      open = { ...open, end: last }
      continue
    }
    if (open !== undefined) k.zones.alloc(open)
    open = { type: zone, start: first, end: last }
  }
  if (open !== undefined) k.zones.alloc(open)
}

/** MIGRATE_ISOLATE for the free pages of blocks, or MIGRATE_MOVABLE again. */
export function isolateBlocks(k: Kernel, blocks: Blocks, isolated: 0 | 1): void {
  const { start, end } = blockPages(blocks)
  setBlocks(k, blocks, { isolated })
  k.freePages.edit(start, end, () => ({ isolated }))
}

/** has_unmovable_pages(): the first page that migration cannot move. Of ZONE_MOVABLE only reserved ones. */
export function unmovablePage(k: Kernel, blocks: Blocks): number | undefined {
  const { start, end } = blockPages(blocks)
  const isNormal = k.memoryBlocks.at(blocks.block).zone === 'NORMAL'
  return k.pages
    .runs(start, end)
    .find(
      ({ flags, refcount }) =>
        (flags & PG.reserved) !== 0 ||
        (isNormal && refcount > 0 && (flags & (PG.lru | PG.hwpoison)) === 0),
    )?.start
}

/** scan_movable_pages(): runs of the blocks from a page on that can be tried. */
export const movableRuns = (k: Kernel, blocks: Blocks): PageRun[] => {
  const { start, end } = blockPages(blocks)
  return k.pages.runs(start, end).filter((run) => run.refcount > 0 && isMovable(k, run))
}

/** test_pages_isolated(): every page of the blocks is free, or poisoned. */
export function busyPage(k: Kernel, blocks: Blocks): PageRun | undefined {
  const { start, end } = blockPages(blocks)
  return k.pages.find(
    start,
    end,
    ({ flags, refcount }) => refcount > 0 && (flags & PG.hwpoison) === 0,
  )
}

/** A page that migration would move now: nobody holds it but entries and caches. */
const isReadyToMove = (k: Kernel, run: PageRun): boolean =>
  run.refcount === expectedRefs(k, run) && (run.flags & PG.swapcache) === 0

/** The page at which offline_pages() goes round. */
export const stuckPage = (k: Kernel, blocks: Blocks): PageRun | undefined =>
  movableRuns(k, blocks)[0] ?? busyPage(k, blocks)

interface Retry extends Blocks {
  readonly task: { readonly id: number }
}

/** The loop of offline_pages(): it turns in vain until a page can move, none is left, or a signal comes. */
export const untilSomethingMoves = {
  state: 'R' as const,
  takesSignals: true as const,
  ready: (k: Kernel, t: Retry): boolean =>
    signal_pending(k, t.task.id) ||
    busyPage(k, t) === undefined ||
    movableRuns(k, t).some((run) => isReadyToMove(k, run)),
  holders(k: Kernel, t: Retry): Holder[] {
    const stuck = stuckPage(k, t)
    if (stuck === undefined) return []
    const { start: pfn } = stuck
    return [
      ...pageHolders(k, pfn, t.task.id),
      ...pipeBuffersOf(k, pfn).map(({ name }) => ({
        task: 0,
        by: `pipe ${name}`,
        until: 'owner' as const,
      })),
    ]
  },
  reason(k: Kernel, t: Retry): string {
    const stuck = stuckPage(k, t)
    if (stuck === undefined) return 'tries again'
    const by = holderNames(k, stuck.start)
    const expected = expectedRefs(k, stuck)
    return `tries page 0x${stuck.start.toString(16)} again and again: _refcount ${stuck.refcount}, expected ${expected}${by === '' ? '' : `; pinned by ${by}`}`
  },
}

const holderNames = (k: Kernel, pfn: number): string =>
  handlesOf(k, pfn)
    .map(({ task, user }) => user || (task === 0 ? '' : k.tasks.at(task).name))
    .join(', ')
