import { int, ref, text, wide } from '../../arena'
import { EBUSY, EINTR, EINVAL } from '../include/errno'
import { IORESOURCE } from '../include/ioport'
import { MEMORY_BLOCK_PAGES, MEMORY_BLOCK_SIZE } from '../include/memory'
import { PAGE_SIZE } from '../include/mm'
import type { Kernel } from '../kernel'
import { __request_region } from '../kernel/resource'
import { childrenOf, IOMEM_RESOURCE, removeResource } from '../kernel/resource-tree'
import { signal_pending } from '../kernel/signal'
import { operation } from '../operation'
import {
  type Blocks,
  blockPages,
  busyPage,
  disableBatches,
  isolateBlocks,
  lockHotplug,
  movableRuns,
  setBlocks,
  syncZones,
  unmovablePage,
  untilHotplugFree,
  untilSomethingMoves,
} from './memory-blocks'
import { migrate_pages } from './migrate-pages'
import { lru_add_drain_all } from './swap'

export const SYSTEM_RAM = IORESOURCE.mem | IORESOURCE.sysram

/** §4.4 of the DAX sheet: memory blocks for a range, all offline. */
export const add_memory_driver_managed = operation({
  name: 'add_memory_driver_managed',
  does: 'Adds a range of device memory as memory blocks, offline.',
  source: { file: 'mm/memory_hotplug.c', fn: 'add_memory_driver_managed', version: '6.12' },
  leftOut:
    'The memory group, firmware memory maps, and memmap_on_memory: the memory map of a block does not lie in the block here.',
  params: { start: wide(), size: wide(), dax: ref('dev_dax'), name: text() },
  entry: 'register',
  steps: {
    register: {
      does: 'Claim the range as System RAM that a driver manages.',
      fn: 'register_memory_resource',
      run: (_k, t) =>
        t.call(
          __request_region,
          {
            parent: IOMEM_RESOURCE,
            start: t.start,
            end: t.start + t.size - 1,
            name: t.name,
            flags: SYSTEM_RAM | IORESOURCE.sysram_driver_managed,
          },
          'lock',
        ),
    },
    lock: {
      does: 'If somebody else has it, give up. Otherwise take device_hotplug_lock.',
      fn: 'lock_device_hotplug',
      when: untilHotplugFree,
      run(k, t) {
        if (t.ret === 0) return t.done(-EBUSY)
        lockHotplug(k, t.task.id)
        return 'create_blocks'
      },
    },
    create_blocks: {
      does: 'Add the memory map and the memory block devices. Their state is offline.',
      fn: 'create_memory_block_devices',
      run(k, t) {
        const first = t.start / MEMORY_BLOCK_SIZE
        k.memoryBlocks.fill(first, first + t.size / MEMORY_BLOCK_SIZE, { dax: t.dax })
        lockHotplug(k, 0)
        return t.done(0)
      },
    },
  },
})

/** §7.1 of the DAX sheet, offline to online. */
export const online_pages = operation({
  name: 'online_pages',
  does: 'Gives the pages of a memory block to the page allocator.',
  source: { file: 'mm/memory_hotplug.c', fn: 'online_pages', version: '6.12' },
  leftOut: 'Zone lists, watermarks, kswapd of a new node, and notifiers.',
  params: { block: int(), blocks: int(), movable: int() },
  entry: 'move_to_zone',
  steps: {
    move_to_zone: {
      does: 'The block joins its zone; its struct pages are initialised.',
      fn: 'move_pfn_range_to_zone',
      run(k, t) {
        const { start, end } = blockPages(t)
        setBlocks(k, t, { zone: t.movable === 1 ? 'MOVABLE' : 'NORMAL', isolated: 1 })
        k.pages.fill(start, end, { refcount: 0 })
        return 'online_range'
      },
    },
    online_range: {
      does: 'Its pages go to the buddy allocator. State online.',
      fn: 'online_pages_range',
      run(k, t) {
        const { start, end } = blockPages(t)
        setBlocks(k, t, { state: 'online' })
        k.freePages.fill(start, end, {})
        isolateBlocks(k, t, 0)
        syncZones(k)
        return t.done(0)
      },
    },
  },
})

/** §7.2 of the DAX sheet, O1 to O7. */
export const offline_pages = operation({
  name: 'offline_pages',
  does: 'Takes the pages of a memory block from the page allocator: moves what is in use, waits for what is held.',
  source: { file: 'mm/memory_hotplug.c', fn: 'offline_pages', version: '6.12' },
  leftOut: 'Free hugetlb pages, PageOffline() balloon pages, notifiers that veto, and counters.',
  params: { block: int(), blocks: int() },
  locals: { result: int() },
  entry: 'going_offline',
  steps: {
    going_offline: {
      does: 'The state of the block is going-offline.',
      fn: 'memory_block_change_state',
      run(k, t) {
        setBlocks(k, t, { state: 'going_offline' })
        return 'check'
      },
    },
    check: {
      does: 'A block with holes, or of more than one zone, cannot go offline.',
      fn: 'walk_system_ram_range',
      run(k, t) {
        const { start, end } = blockPages(t)
        if (k.pages.covers(start, end)) return 'disable_batches'
        setBlocks(k, t, { state: 'online' })
        return t.done(-EINVAL)
      },
    },
    disable_batches: {
      does: 'Switch the per-CPU lists and the LRU batches off, and drain them: they hold references.',
      fn: 'lru_cache_disable',
      run(k) {
        disableBatches(k, 1)
        lru_add_drain_all(k)
        return 'isolate'
      },
    },
    isolate: {
      does: 'Isolate the block: its free pages are not handed out. A page that migration cannot move ends it at once.',
      fn: 'start_isolate_page_range',
      run(k, t) {
        if (unmovablePage(k, t) !== undefined) {
          t.result = -EBUSY
          return 'enable_batches'
        }
        isolateBlocks(k, t, 1)
        return 'notify'
      },
    },
    notify: {
      does: 'MEM_GOING_OFFLINE: nobody objects.',
      fn: 'memory_notify',
      run: () => 'test_signal',
    },
    test_signal: {
      does: 'Is a signal pending? Then -EINTR. Otherwise look for pages in use.',
      fn: 'signal_pending',
      run(k, t) {
        if (!signal_pending(k, t.task.id)) return 'scan'
        t.result = -EINTR
        return 'undo_isolate'
      },
    },
    scan: {
      does: 'Find pages that can be moved, and move them all; none is left: test the block.',
      fn: 'scan_movable_pages',
      run(k, t) {
        if (movableRuns(k, t).length === 0) return 'test_isolated'
        return t.call(migrate_pages, blockPages(t), 'again')
      },
    },
    again: {
      does: 'A page that did not move is tried again, for as long as it takes: a pin is waited for without an end.',
      fn: 'offline_pages',
      when: untilSomethingMoves,
      run: () => 'test_signal',
    },
    test_isolated: {
      does: 'Are all pages of the block free, or poisoned? Otherwise from the start.',
      fn: 'test_pages_isolated',
      run: (k, t) => (busyPage(k, t) === undefined ? 'offline' : 'again'),
    },
    offline: {
      does: 'The pages leave the buddy allocator and the zone. State offline.',
      fn: '__offline_isolated_pages',
      run(k, t) {
        const { start, end } = blockPages(t)
        k.freePages.clear(start, end)
        setBlocks(k, t, { state: 'offline', isolated: 0 })
        syncZones(k)
        return 'enable_batches'
      },
    },
    undo_isolate: {
      does: 'Give the free pages of the block back: MEM_CANCEL_OFFLINE.',
      fn: 'undo_isolate_page_range',
      run(k, t) {
        isolateBlocks(k, t, 0)
        return 'enable_batches'
      },
    },
    enable_batches: {
      does: 'Switch the batches on again. A block that failed is online as before.',
      fn: 'lru_cache_enable',
      run(k, t) {
        disableBatches(k, -1)
        const { state } = k.memoryBlocks.at(t.block)
        if (state === 'going_offline') setBlocks(k, t, { state: 'online' })
        return t.done(t.result)
      },
    },
  },
})

/** §7.3 of the DAX sheet. */
export const remove_memory = operation({
  name: 'remove_memory',
  does: 'Takes memory blocks away, if every one of them is offline.',
  source: { file: 'mm/memory_hotplug.c', fn: 'remove_memory', version: '6.12' },
  leftOut: 'The memory group, and a node that goes offline with its last memory.',
  params: { start: wide(), size: wide() },
  entry: 'lock',
  steps: {
    lock: {
      does: 'Take device_hotplug_lock.',
      fn: 'lock_device_hotplug',
      when: untilHotplugFree,
      run(k, t) {
        lockHotplug(k, t.task.id)
        return 'check_offlined'
      },
    },
    check_offlined: {
      does: 'Walk the blocks: one that is not offline ends it with -EBUSY, and nothing has changed.',
      fn: 'check_memblock_offlined_cb',
      run(k, t) {
        if (notOffline(k, t) === undefined) return 'remove'
        lockHotplug(k, 0)
        return t.done(-EBUSY)
      },
    },
    remove: {
      does: 'Delete the block devices and the memory map.',
      fn: 'arch_remove_memory',
      run(k, t) {
        const first = t.start / MEMORY_BLOCK_SIZE
        k.memoryBlocks.clear(first, first + t.size / MEMORY_BLOCK_SIZE)
        k.pages.clear(t.start / PAGE_SIZE, (t.start + t.size) / PAGE_SIZE)
        return 'release'
      },
    },
    release: {
      does: 'Release System RAM (kmem) in the iomem tree, and drop the lock.',
      fn: 'release_mem_region_adjustable',
      run(k, t) {
        const node = ramNode(k, t.start)
        if (node !== undefined) removeResource(k, node)
        lockHotplug(k, 0)
        return t.done(0)
      },
    },
  },
})

/** The first blocks of a range that are not offline, as far as they are alike. */
export function notOffline(
  k: Kernel,
  { start, size }: { start: number; size: number },
): Blocks | undefined {
  const first = start / MEMORY_BLOCK_SIZE
  const last = first + size / MEMORY_BLOCK_SIZE
  const run = k.memoryBlocks.find(first, last, ({ state }) => state !== 'offline')
  return run && { block: run.start, blocks: run.length }
}

/** The System RAM node that begins at an address. */
function ramNode(k: Kernel, start: number) {
  const open = childrenOf(k, k.resources.at(IOMEM_RESOURCE))
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.start === start && (node.flags & IORESOURCE.sysram_driver_managed) !== 0) return node
    if (node.start <= start && start <= node.end) open.push(...childrenOf(k, node))
  }
  return undefined
}

/** How many pages of a range belong to blocks that are online. */
export const onlinePages = (k: Kernel, start: number, size: number): number =>
  k.memoryBlocks
    .runs(start / MEMORY_BLOCK_SIZE, (start + size) / MEMORY_BLOCK_SIZE)
    .filter(({ state }) => state === 'online')
    .reduce((sum, { length }) => sum + length * MEMORY_BLOCK_PAGES, 0)
