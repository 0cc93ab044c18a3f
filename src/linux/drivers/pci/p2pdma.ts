import { int, ref, text, wide } from '../../../arena'
import { PTE } from '../../arch/x86/pgtable'
import { EBUSY, EINVAL, ENODEV, ENOMEM } from '../../include/errno'
import { PGMAP_OPS } from '../../include/memremap'
import type { Kernel } from '../../kernel'
import { handOver, hold } from '../../mm/holders'
import { ownMm, untilMmapWritable } from '../../mm/locks'
import { FRESH } from '../../mm/memory-anon'
import { unmap_page_range } from '../../mm/memory-zap'
import { memremap_pages, memunmap_pages } from '../../mm/memremap'
import { describePgmap, idleCount, put_dev_pagemap } from '../../mm/memremap-ref'
import { makeArea } from '../../mm/mmap'
import { mappedStretches } from '../../mm/rmap'
import { addRmap } from '../../mm/rmap-anon'
import { operation } from '../../operation'
import { insiders } from '../../wait-holders'

type Provider = ReturnType<Kernel['p2pdmas']['at']>

/** The sysfs file by which processes get pages of the pool. */
function makeAllocateFile(k: Kernel, name: string) {
  const sysfs =
    k.superBlocks.find(({ s_type }) => s_type === 'sysfs') ??
    k.superBlocks.make({ s_type: 'sysfs', s_id: 'sysfs' })
  return k.inodes.make({ name: `/sys/bus/pci/devices/${name}/p2pmem/allocate`, i_sb: sysfs.id })
}

function describeBar(k: Kernel, provider: Provider) {
  const { start, pages, pgmap: former } = provider
  const about = { type: 'PCI_P2PDMA', ops: PGMAP_OPS.page_free, start, end: start + pages } as const
  const pgmap = describePgmap(k, former, about)
  provider.pgmap = pgmap?.id ?? 0
  return pgmap
}

/** A PCI device lends memory of one of its BARs out. */
export const pci_p2pdma_add_resource = operation({
  name: 'pci_p2pdma_add_resource',
  does: 'A driver lends the memory behind a BAR to other devices, and gives it struct pages.',
  source: { file: 'drivers/pci/p2pdma.c', fn: 'pci_p2pdma_add_resource', version: '6.12' },
  leftOut:
    'A part of a BAR, which clients of the memory can reach it, and pci_alloc_p2pmem(), by which drivers take pages for themselves.',
  start: {
    label: 'Lend the memory of its BAR',
    on: ['p2pdma'],
    by: 'admin',
    args: (k, { id }) => ({ device: k.p2pdmas.at(id).id }),
    refuse(k, { device }) {
      if (!k.p2pdmas.isLive(device)) return 'There is no such device.'
      return k.p2pdmas.at(device).state === 'none' ? undefined : 'The memory is lent already.'
    },
  },
  params: { device: ref('pci_p2pdma') },
  entry: 'setup',
  steps: {
    setup: {
      does: 'Make the pool, still empty, and the sysfs file by which a process maps pages of it (6.2). Describe the pgmap.',
      fn: 'pci_p2pdma_setup',
      run(k, t) {
        const provider = k.p2pdmas.at(t.device)
        if (provider.state !== 'none') return t.done(-EBUSY)
        provider.state = 'present'
        if (provider.inode === 0) provider.inode = makeAllocateFile(k, provider.name).id
        const pgmap = describeBar(k, provider)
        if (pgmap === undefined) {
          provider.state = 'none'
          return t.done(-ENOMEM)
        }
        return t.call(memremap_pages, { pgmap: pgmap.id }, 'add_to_pool')
      },
    },
    add_to_pool: {
      does: 'The pages may be handed out. No struct pages: there is nothing to hand out.',
      fn: 'gen_pool_add_owner',
      run(k, t) {
        if (t.ret < 0) {
          k.p2pdmas.at(t.device).state = 'none'
          return t.done(t.ret)
        }
        const { start, pages, pgmap } = k.p2pdmas.at(t.device)
        k.devmemFree.fill(start, start + pages, { pgmap })
        return t.done()
      },
    },
  },
})

/** gen_pool_alloc_owner(): the lowest pages beside each other. */
function allocFromPool(k: Kernel, { pgmap }: Provider, pages: number): number | undefined {
  const run = k.devmemFree.runs().find((free) => free.pgmap === pgmap && free.length >= pages)
  if (run === undefined) return undefined
  k.devmemFree.clear(run.start, run.start + pages)
  if (idleCount(k, 'PCI_P2PDMA') === 1)
    for (let i = 0; i < pages; i++) hold(k, run.start + i, 'alloc')
  return run.start
}

/** mmap(2) of p2pmem/allocate. */
export const p2pmem_alloc_mmap = operation({
  name: 'p2pmem_alloc_mmap',
  does: 'Takes pages out of the pool of a PCI device, and maps them.',
  source: {
    file: 'drivers/pci/p2pdma.c',
    fn: 'p2pmem_alloc_mmap',
    version: '6.12',
    note: 'Of 6.2. Earlier versions show what their counters would have made of it.',
  },
  leftOut: 'Offsets other than 0, and entries that cannot be written for want of memory.',
  via: ['kernfs_fop_mmap', 'do_mmap'],
  start: {
    label: 'Map pages of this device',
    on: ['p2pdma'],
    by: 'process',
    args: (k, { id }) => ({
      device: k.p2pdmas.at(id).id,
      pages: 1,
      private: 0,
      label: 'P',
    }),
    refuse(k, { device, pages }, task) {
      if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
      if (!k.p2pdmas.isLive(device)) return 'There is no such device.'
      if (k.vmas.isFull) return 'This simulation has no room for another mapping.'
      return pages > 0 && pages <= 512 ? undefined : 'Map from 1 to 512 pages.'
    },
  },
  params: { device: ref('pci_p2pdma'), pages: int(), private: int(), label: text() },
  locals: {
    vma: ref('vm_area_struct'),
    mm: ref('mm_struct'),
    vpn: wide(),
    pfn: wide(),
    left: int(),
  },
  entry: 'alloc',
  steps: {
    alloc: {
      does: 'Only shared mappings: -EINVAL. No pool any more: -ENODEV. Not enough pages: -ENOMEM. Then a reference of the pgmap, unless it is dying: -ENODEV.',
      fn: 'gen_pool_alloc_owner',
      when: ownMm(untilMmapWritable),
      run(k, t) {
        const provider = k.p2pdmas.at(t.device)
        if (t.private === 1) return t.done(-EINVAL)
        if (provider.state !== 'present') return t.done(-ENODEV)
        const pgmap = k.pgmaps.at(provider.pgmap)
        if (pgmap.state !== 'live') return t.done(-ENODEV)
        const first = k.vmas.isFull ? undefined : allocFromPool(k, provider, t.pages)
        if (first === undefined) return t.done(-ENOMEM)
        const { pages, label } = t
        const { mm } = t.task
        const vma = makeArea(k, mm, { inode: provider.inode, pages, pgoff: 0, label })
        if (vma === undefined) return t.done(-ENOMEM)
        pgmap.ref += 1
        k.mms.at(mm).mmap_lock = t.task.id
        t.mm = mm
        t.vma = k.vmas.at(vma).id
        t.vpn = k.vmas.at(vma).vm_start
        t.pfn = first
        t.left = pages
        return 'insert'
      },
    },
    insert: {
      does: 'Map the next page: its one reference, made here from 6.15 on, is the entry’s from now on, and it holds a reference of the pgmap.',
      fn: 'vm_insert_page',
      run(k, t) {
        const page = k.pages.at(t.pfn)
        if (page.refcount === 1) handOver(k, t.pfn, 'alloc')
        page.refcount = 1
        addRmap(k, t.pfn)
        k.pgmaps.at(k.p2pdmas.at(t.device).pgmap).ref += 1
        k.ptes.in(t.mm).fill(t.vpn, t.vpn + 1, { pfn: t.pfn, flags: FRESH | PTE.rw })
        t.pfn += 1
        t.vpn += 1
        t.left -= 1
        return t.left > 0 ? 'insert' : 'finish'
      },
    },
    finish: {
      does: 'Drop the reference of the call itself; each page keeps its own.',
      fn: 'percpu_ref_put',
      run(k, t) {
        put_dev_pagemap(k.pgmaps.at(k.p2pdmas.at(t.device).pgmap))
        k.mms.at(t.mm).mmap_lock = 0
        return t.done(t.vma)
      },
    },
  },
})

/** Calls of mmap() that are inside the sysfs file. */
const mappers = (k: Kernel, device: number) =>
  insiders(
    k,
    ({ operation, step, locals }) =>
      operation.name === 'p2pmem_alloc_mmap' &&
      step.name !== 'alloc' &&
      locals['device'] === device,
  )

/** Where pages of the BAR are still mapped. */
const nextStretch = (k: Kernel, { inode, pages }: Provider) =>
  mappedStretches(k, inode, 0, pages).find(
    ({ mm, start, end }) => k.ptes.in(mm).runs(start, end).length > 0,
  )

/** devres of the driver, last made first. */
export const pci_p2pdma_remove = operation({
  name: 'pci_p2pdma_remove',
  does: 'Unbinds a driver that lends memory out: it is taken back.',
  source: { file: 'drivers/pci/p2pdma.c', fn: 'pci_p2pdma_unmap_mappings', version: '6.12' },
  leftOut: 'Everything else that the driver has.',
  via: ['devres_release_all', '__device_release_driver', 'unbind_store'],
  start: {
    label: 'Unbind the driver',
    on: ['p2pdma'],
    by: 'admin',
    args: (k, { id }) => ({ device: k.p2pdmas.at(id).id }),
    refuse(k, { device }) {
      if (!k.p2pdmas.isLive(device)) return 'There is no such device.'
      return k.p2pdmas.at(device).state === 'present' ? undefined : 'Nothing is lent.'
    },
  },
  params: { device: ref('pci_p2pdma') },
  entry: 'remove_file',
  steps: {
    remove_file: {
      does: 'Remove the sysfs file: no new mapping.',
      fn: 'sysfs_remove_file_from_group',
      run(k, t) {
        const provider = k.p2pdmas.at(t.device)
        if (provider.state !== 'present') return t.done(-ENODEV)
        provider.state = 'removing'
        return 'drain'
      },
    },
    drain: {
      does: 'Every call that is inside the file comes out.',
      fn: 'kernfs_drain',
      when: {
        state: 'D',
        ready: (k, t) => mappers(k, t.device).length === 0,
        reason: () => 'waits for mmap() of the file that is being removed',
        holders: (k, t) => mappers(k, t.device),
      },
      run: () => 'unmap',
    },
    unmap: {
      does: 'Clear the entries of the next mapping: each puts its page, and the last put of a page gives it back to the pool, with its pgmap reference.',
      fn: 'unmap_mapping_range',
      run(k, t) {
        const place = nextStretch(k, k.p2pdmas.at(t.device))
        if (place === undefined) return 'memunmap'
        return t.call(
          unmap_page_range,
          { ...place, mm: k.mms.at(place.mm).id, explicit: 0 },
          'unmap',
        )
      },
    },
    memunmap: {
      does: 'Take the struct pages away. Pages that somebody still refers to are waited for.',
      fn: 'devm_memremap_pages_release',
      run: (k, t) => t.call(memunmap_pages, { pgmap: k.p2pdmas.at(t.device).pgmap }, 'release'),
    },
    release: {
      does: 'The pool goes.',
      fn: 'pci_p2pdma_release',
      run(k, t) {
        const provider = k.p2pdmas.at(t.device)
        k.devmemFree.clear(provider.start, provider.start + provider.pages)
        provider.state = 'none'
        return t.done()
      },
    },
  },
})
