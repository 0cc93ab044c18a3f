import { int, ref, wide } from '../../../arena'
import { isDevicePrivate } from '../../arch/x86/pgtable'
import { EBUSY, EINVAL, ENODEV, ENOMEM } from '../../include/errno'
import { PGMAP_OPS } from '../../include/memremap'
import { PAGE_SIZE, VM_FAULT_OOM } from '../../include/mm'
import type { Kernel } from '../../kernel'
import { __release_region, __request_region } from '../../kernel/resource'
import { freeMemRegion } from '../../kernel/resource-free'
import { IOMEM_RESOURCE } from '../../kernel/resource-tree'
import { getAs } from '../../mm/holders'
import { ownMm, untilMmapReadable, untilPtl } from '../../mm/locks'
import { memremap_pages, memunmap_pages } from '../../mm/memremap'
import { describePgmap, faultParams } from '../../mm/memremap-ref'
import { migrate_vma } from '../../mm/migrate_device'
import { isGone } from '../../mm/oops'
import { vma_lookup } from '../../mm/rmap'
import { putAs } from '../../mm/swap'
import { operation } from '../../operation'

type Dmirror = ReturnType<Kernel['dmirrors']['at']>

const spanOf = ({ start, pages }: Dmirror) => ({
  start: start * PAGE_SIZE,
  end: (start + pages) * PAGE_SIZE - 1,
})

/** devmem->pagemap, as the driver fills it in: the same methods for both types. */
function describeChunk(k: Kernel, device: Dmirror) {
  const { type, start, pages, name: owner } = device
  const ops = PGMAP_OPS.page_free | PGMAP_OPS.migrate_to_ram
  const pgmap = describePgmap(k, device.pgmap, { type, ops, owner, start, end: start + pages })
  device.pgmap = pgmap?.id ?? 0
  return pgmap
}

/** Binding: lib/test_hmm.c allocates its first chunk of memory as it starts. */
export const dmirror_allocate_chunk = operation({
  name: 'dmirror_allocate_chunk',
  does: 'Binds a driver whose device has memory of its own, and gives that memory struct pages.',
  source: { file: 'lib/test_hmm.c', fn: 'dmirror_allocate_chunk', version: '6.12' },
  leftOut:
    'More chunks, when the first is full. What the module keeps in ordinary memory is here in the page of the device itself. This module is of 5.8, and its coherent memory of 6.0 (from memory): earlier versions show what their memory management would have made of it.',
  via: ['dmirror_device_init', 'hmm_dmirror_init'],
  start: {
    label: 'Bind the driver',
    on: ['dmirror'],
    by: 'admin',
    args: (k, { id }) => ({ device: k.dmirrors.at(id).id }),
    refuse(k, { device }) {
      if (!k.dmirrors.isLive(device)) return 'There is no such device.'
      return k.dmirrors.at(device).state === 'none' ? undefined : 'The driver is bound already.'
    },
  },
  params: { device: ref('dmirror_device') },
  locals: { error: int() },
  entry: 'request_region',
  steps: {
    request_region: {
      does: 'Private memory: any addresses that nobody has, the highest first, for no CPU will use them. Coherent memory: where firmware says that it is.',
      fn: 'request_free_mem_region',
      run(k, t) {
        const device = k.dmirrors.at(t.device)
        if (device.state !== 'none') return t.done(-EBUSY)
        device.state = 'binding'
        if (device.type === 'PRIVATE') {
          const free = freeMemRegion(k, device.pages * PAGE_SIZE)
          if (free === undefined) return 'unbound'
          device.start = free / PAGE_SIZE
        }
        const claim = { parent: IOMEM_RESOURCE, ...spanOf(device), name: 'hmm_dmirror', flags: 0 }
        return t.call(__request_region, claim, 'claimed')
      },
    },
    claimed: {
      does: 'Describe the pgmap: its methods, and the driver as its owner. Then make the struct pages.',
      fn: 'memremap_pages',
      run(k, t) {
        if (t.ret === 0) {
          t.error = -EBUSY
          return 'unbound'
        }
        const device = k.dmirrors.at(t.device)
        device.resource = k.resources.at(t.ret).id
        if (device.type === 'PRIVATE') k.resources.at(t.ret).desc = 'DEVICE_PRIVATE_MEMORY'
        const pgmap = describeChunk(k, device)
        if (pgmap === undefined) return 'failed'
        return t.call(memremap_pages, { pgmap: pgmap.id }, 'free_pages')
      },
    },
    free_pages: {
      does: 'Put all pages on the driver’s free list.',
      run(k, t) {
        if (t.ret < 0) return 'failed'
        const device = k.dmirrors.at(t.device)
        const { start, pages, pgmap } = device
        k.devmemFree.fill(start, start + pages, { pgmap })
        device.state = 'bound'
        return t.done()
      },
    },
    failed: {
      does: 'No struct pages: the addresses go back.',
      fn: 'release_mem_region',
      run(k, t) {
        t.error = t.ret < 0 ? t.ret : -ENOMEM
        k.dmirrors.at(t.device).resource = 0
        return t.call(__release_region, spanOf(k.dmirrors.at(t.device)), 'unbound')
      },
    },
    unbound: {
      does: 'The driver is not bound.',
      run(k, t) {
        k.dmirrors.at(t.device).state = 'none'
        return t.done(t.error === 0 ? -ENOMEM : t.error)
      },
    },
  },
})

/** ioctl(HMM_DMIRROR_MIGRATE_TO_DEV). */
export const dmirror_migrate_to_device = operation({
  name: 'dmirror_migrate_to_device',
  does: 'The process asks for one of its pages to move to the memory of the device.',
  source: { file: 'lib/test_hmm.c', fn: 'dmirror_migrate_to_device', version: '6.12' },
  leftOut: 'More than one page, and the page table of the device, which is told where the page is.',
  via: ['dmirror_fops_unlocked_ioctl', '__x64_sys_ioctl'],
  start: {
    label: 'Migrate a page to it',
    on: ['dmirror'],
    by: 'process',
    args: (k, { id }) => ({
      vpn: k.vmas.find(({ vm_file }) => vm_file === 0)?.vm_start ?? 0,
      device: k.dmirrors.at(id).id,
    }),
    refuse(k, { device }, task) {
      if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
      if (!k.dmirrors.isLive(device) || k.dmirrors.at(device).state !== 'bound')
        return 'No driver is bound to a device with memory of its own.'
      return undefined
    },
  },
  params: { vpn: wide(), device: ref('dmirror_device') },
  locals: { mm: ref('mm_struct'), result: int() },
  entry: 'lock',
  steps: {
    lock: {
      does: 'Take mmap_lock for reading, and find the area.',
      fn: 'mmap_read_lock',
      when: ownMm(untilMmapReadable),
      run(k, t) {
        const { mm } = t.task
        const device = k.dmirrors.at(t.device)
        if (device.state !== 'bound') return t.done(-ENODEV)
        if (vma_lookup(k, mm, t.vpn) === undefined) return t.done(-EINVAL)
        t.mm = mm
        k.mms.at(mm).mmap_readers += 1
        const { vpn } = t
        return t.call(migrate_vma, { mm, vpn, source: 0, pgmap: device.pgmap, fault: 0 }, 'unlock')
      },
    },
    unlock: {
      does: 'Drop mmap_lock. A page that could not move is where it was.',
      fn: 'mmap_read_unlock',
      run(k, t) {
        k.mms.at(t.mm).mmap_readers -= 1
        return t.done(Math.min(t.ret, 0))
      },
    },
  },
})

/** pgmap->ops->migrate_to_ram of this driver. */
export const dmirror_devmem_fault = operation({
  name: 'dmirror_devmem_fault',
  does: 'The CPU touched a page that only the device can address: brings it back to ordinary memory.',
  source: { file: 'lib/test_hmm.c', fn: 'dmirror_devmem_fault', version: '6.12' },
  leftOut: 'The lock of the page, by which later versions keep two faults from each other.',
  params: faultParams,
  locals: { held: int() },
  entry: 'get_page',
  steps: {
    get_page: {
      does: 'Is the entry still there? From 6.1 on hold the page, so that it is not freed meanwhile. No struct page any more: an oops, which ends the thread.',
      fn: 'do_swap_page',
      source: { file: 'mm/memory.c', fn: 'do_swap_page', version: '6.12' },
      when: untilPtl,
      run(k, t) {
        const { mm, vpn, pfn } = t
        const ptes = k.ptes.in(mm)
        if (!ptes.has(vpn) || !isDevicePrivate(ptes.at(vpn)) || ptes.at(vpn).pfn !== pfn)
          return t.done()
        if (isGone(k, { pfn }, 'do_swap_page', 'handle_mm_fault')) return t.done(VM_FAULT_OOM)
        t.held = k.policy.devicePageCount === 'zero' ? 1 : 0
        if (t.held === 1) getAs(k, pfn, 'tmp')
        const fault = t.held === 1 ? pfn : 0
        return t.call(migrate_vma, { mm, vpn, source: 0, pgmap: 0, fault }, 'put_page')
      },
    },
    put_page: {
      does: 'Let go of the page: it was the last reference of one that has moved. The access is tried again, whatever came of it.',
      fn: 'do_swap_page',
      run(k, t) {
        if (t.held === 1) putAs(k, t.pfn, 'tmp')
        return t.done()
      },
    },
  },
})

/** The next page of a chunk that is not on the free list, from `pfn` on. */
function nextInUse(k: Kernel, { start, pages }: Dmirror, from: number): number | undefined {
  let pfn = from
  for (const free of k.devmemFree.runs(from, start + pages)) if (free.start <= pfn) pfn = free.end
  return pfn < start + pages ? pfn : undefined
}

/** §1.5 of the DAX sheet, row 3, from the driver’s side. */
export const dmirror_device_remove = operation({
  name: 'dmirror_device_remove',
  does: 'Unbinds the driver: its memory goes. It cannot fail.',
  source: { file: 'lib/test_hmm.c', fn: 'dmirror_device_remove_chunks', version: '6.12' },
  leftOut: 'Open files of the device.',
  via: ['dmirror_device_remove', 'hmm_dmirror_exit'],
  start: {
    label: 'Unbind the driver',
    on: ['dmirror'],
    by: 'admin',
    args: (k, { id }) => ({ device: k.dmirrors.at(id).id }),
    refuse(k, { device }) {
      if (!k.dmirrors.isLive(device)) return 'There is no such device.'
      return k.dmirrors.at(device).state === 'bound' ? undefined : 'The driver is not bound.'
    },
  },
  params: { device: ref('dmirror_device') },
  locals: { pfn: wide() },
  entry: 'remove_free_pages',
  steps: {
    remove_free_pages: {
      does: 'No page of it is handed out any more.',
      fn: 'dmirror_remove_free_pages',
      run(k, t) {
        const device = k.dmirrors.at(t.device)
        if (device.state !== 'bound') return t.done(-ENODEV)
        device.state = 'removing'
        if (k.policy.deviceEvict === 'leave') return 'memunmap'
        t.pfn = device.start
        return 'evict'
      },
    },
    evict: {
      does: 'From 6.1 on: the next page in use is migrated to ordinary memory, found by its pfn.',
      fn: 'dmirror_device_evict_chunk',
      run(k, t) {
        const next = nextInUse(k, k.dmirrors.at(t.device), t.pfn)
        if (next === undefined) return 'memunmap'
        t.pfn = next + 1
        return t.call(migrate_vma, { mm: 0, vpn: 0, source: next, pgmap: 0, fault: 0 }, 'evict')
      },
    },
    memunmap: {
      does: 'Take the struct pages away. What could not be moved is waited for, or not.',
      fn: 'memunmap_pages',
      run: (k, t) => t.call(memunmap_pages, { pgmap: k.dmirrors.at(t.device).pgmap }, 'release'),
    },
    release: {
      does: 'The addresses are free.',
      fn: 'release_mem_region',
      run(k, t) {
        const device = k.dmirrors.at(t.device)
        k.devmemFree.clear(device.start, device.start + device.pages)
        device.resource = 0
        return t.call(__release_region, spanOf(device), 'unbound')
      },
    },
    unbound: {
      does: 'No driver is bound.',
      run(k, t) {
        k.dmirrors.at(t.device).state = 'none'
        return t.done()
      },
    },
  },
})
