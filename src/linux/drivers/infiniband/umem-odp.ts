import { int, ref, wide } from '../../../arena'
import type { Holder } from '../../../machine'
import { EFAULT, ENODEV, ENOMEM } from '../../include/errno'
import {
  VM_FAULT_HWPOISON,
  VM_FAULT_OOM,
  VM_FAULT_SIGBUS,
  VM_FAULT_SIGSEGV,
} from '../../include/mm'
import type { Kernel } from '../../kernel'
import { storeByte } from '../../mm/contents'
import { isZoneFile } from '../../mm/filemap'
import { untilMmapReadable } from '../../mm/locks'
import { handle_mm_fault, isMapped } from '../../mm/memory'
import { vma_lookup } from '../../mm/rmap'
import { operation } from '../../operation'
import { insiders } from '../../wait-holders'

const FAILED = VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV | VM_FAULT_OOM | VM_FAULT_HWPOISON

/** §4.6 and W29 (3) of the DAX sheet: ibv_reg_mr() with IB_ACCESS_ON_DEMAND. Returns the region. */
export const ib_umem_odp_get = operation({
  name: 'ib_umem_odp_get',
  does: 'Registers memory with an RDMA adapter that faults on demand: nothing is pinned.',
  source: {
    file: 'drivers/infiniband/core/umem_odp.c',
    fn: 'ib_umem_odp_get',
    version: '6.12',
    evidence: 'deduced',
  },
  leftOut: 'Only mappings of DAX files and devices can be registered so here.',
  via: ['ib_uverbs_reg_mr', 'ib_uverbs_write'],
  start: {
    label: 'Register on demand (ODP)',
    on: ['vma', 'pte'],
    by: 'process',
    args: (k, { kind, id, key }) => ({
      start: key ?? (kind === 'vma' ? k.vmas.at(id).vm_start : 0),
      pages: 1,
    }),
    refuse(k, { start, pages }, task) {
      const { mm } = k.tasks.at(task)
      const vma = mm === 0 || start < 0 ? undefined : vma_lookup(k, mm, start)
      if (vma === undefined || !isZoneFile(k, vma.id)) return 'That is no mapping of DAX memory.'
      if (k.umemOdps.isFull) return 'This simulation has no room for another memory region.'
      return pages >= 1 && pages <= 512 ? undefined : 'Register from 1 to 512 pages.'
    },
  },
  params: { start: wide(), pages: int() },
  entry: 'register',
  steps: {
    register: {
      does: 'Follow the page table from here on: an mmu_interval_notifier, and an empty table in the adapter.',
      fn: 'mmu_interval_notifier_insert',
      run(k, t) {
        const { mm } = t.task
        if (mm === 0) return t.done(-EFAULT)
        const umem = k.umemOdps.alloc({ mm, start: t.start, pages: t.pages })
        return t.done(umem?.id ?? -ENOMEM)
      },
    },
  },
})

interface Place {
  readonly umem: number
  readonly page: number
}

const vpnOf = (k: Kernel, { umem, page }: Place): number => k.umemOdps.at(umem).start + page

/** The adapter writes by itself; where it has no entry, the kernel makes one, as for a CPU. */
export const odpWrite = operation({
  name: 'odpWrite',
  does: 'The adapter writes into memory that it maps on demand.',
  source: {
    file: 'drivers/infiniband/core/umem_odp.c',
    fn: 'ib_umem_odp_map_dma_and_lock',
    version: '6.12',
    evidence: 'deduced',
  },
  leftOut:
    'The work request and its completion, prefetching, and umem_mutex, whose section is one step.',
  start: {
    label: 'The adapter writes into it (ODP)',
    on: ['vma'],
    by: 'device',
    args: (k, { id }) => {
      const { vm_mm, vm_start, vm_end } = k.vmas.at(id)
      const umem = k.umemOdps.find(
        ({ mm, start }) => mm === vm_mm && vm_start <= start && start < vm_end,
      )
      return { umem: umem?.id ?? 0, page: 0, value: 0xd1 }
    },
    refuse(k, { umem, page, value }) {
      if (umem === 0 || !k.umemOdps.isLive(umem)) return 'Nothing is registered on demand there.'
      if (page < 0 || page >= k.umemOdps.at(umem).pages) return 'The region has no such page.'
      return value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'
    },
  },
  params: { umem: ref('ib_umem_odp'), page: int(), value: int() },
  locals: { mm: ref('mm_struct'), seq: int(), pfn: wide() },
  entry: 'dma',
  steps: {
    dma: {
      does: 'The adapter looks into its own table: an entry, and the data arrives. None: a page fault of the adapter.',
      fn: 'DMA write',
      run(k, t) {
        const { start, mm } = k.umemOdps.at(t.umem)
        const entries = k.nicEntries.in(t.umem)
        if (!entries.has(start + t.page)) {
          if (mm === 0 || !k.mms.isLive(mm)) return t.done(-ENODEV)
          t.mm = mm
          return 'read_begin'
        }
        storeByte(k, entries.at(start + t.page).pfn, t.value, {})
        return t.done(0)
      },
    },
    read_begin: {
      does: 'Note how many invalidations there have been.',
      fn: 'mmu_interval_read_begin',
      run(k, t) {
        t.seq = k.umemOdps.at(t.umem).seq
        return 'lock_mm'
      },
    },
    lock_mm: {
      does: 'Take mmap_lock of the process for reading.',
      fn: 'mmap_read_lock',
      when: untilMmapReadable,
      run(k, t) {
        k.mms.at(t.mm).mmap_readers += 1
        return 'snapshot'
      },
    },
    snapshot: {
      does: 'Read the entry of the process; where it does not allow a write, fault as a store would.',
      fn: 'hmm_range_fault',
      run(k, t) {
        const vpn = vpnOf(k, t)
        if (isMapped(k, t.mm, vpn, true)) {
          t.pfn = k.ptes.in(t.mm).at(vpn).pfn
          k.mms.at(t.mm).mmap_readers -= 1
          return 'map'
        }
        const args = { mm: t.mm, vpn, write: 1, unshare: 0, force: 0 }
        return t.call(handle_mm_fault, args, 'after_fault')
      },
    },
    after_fault: {
      does: 'Look again; or the work request ends with an error, and nothing is written.',
      fn: 'hmm_range_fault',
      run(k, t) {
        if ((t.ret & FAILED) === 0) return 'snapshot'
        k.mms.at(t.mm).mmap_readers -= 1
        return t.done(-EFAULT)
      },
    },
    map: {
      does: 'With umem_mutex: was there an invalidation since? Then all over again. Otherwise the adapter gets its entry.',
      fn: 'mmu_interval_read_retry',
      run(k, t) {
        if (k.umemOdps.at(t.umem).seq !== t.seq) return 'read_begin'
        const vpn = vpnOf(k, t)
        k.nicEntries.in(t.umem).fill(vpn, vpn + 1, { pfn: t.pfn })
        return 'dma'
      },
    },
  },
})

/** Who has the adapter at work on a region: a page fault of its own, or a write. */
const usersOf = (k: Kernel, umem: number): Holder[] =>
  insiders(k, ({ operation, locals }) => operation.name === 'odpWrite' && locals['umem'] === umem)

const untilIdle = {
  state: 'D' as const,
  ready: (k: Kernel, { umem }: { umem: number }) => usersOf(k, umem).length === 0,
  reason: (k: Kernel, { umem }: { umem: number }) =>
    `waits for ${usersOf(k, umem).map(({ task }) => k.tasks.at(task).name)}, which is at work in the region`,
  holders: (k: Kernel, { umem }: { umem: number }) => usersOf(k, umem),
}

/** ibv_dereg_mr() of a region that is mapped on demand. */
export const ib_umem_odp_release = operation({
  name: 'ib_umem_odp_release',
  does: 'Takes a registration on demand back: the adapter’s table goes, and nothing is unpinned.',
  source: {
    file: 'drivers/infiniband/core/umem_odp.c',
    fn: 'ib_umem_odp_release',
    version: '6.12',
    evidence: 'deduced',
  },
  leftOut: 'The flush of the adapter, and invalidations under way, which it would wait for.',
  via: ['ib_dereg_mr_user', 'ib_uverbs_write'],
  start: {
    label: 'Deregister (ODP)',
    on: ['vma'],
    by: 'process',
    args: (k, { id }) => {
      const { vm_mm, vm_start, vm_end } = k.vmas.at(id)
      const umem = k.umemOdps.find(
        ({ mm, start }) => mm === vm_mm && vm_start <= start && start < vm_end,
      )
      return { umem: umem?.id ?? 0 }
    },
    refuse: (k, { umem }) =>
      umem !== 0 && k.umemOdps.isLive(umem) ? undefined : 'Nothing is registered on demand there.',
  },
  params: { umem: ref('ib_umem_odp') },
  entry: 'invalidate',
  steps: {
    invalidate: {
      does: 'Nobody is inside a fault of the adapter: drop all its entries.',
      fn: 'ib_umem_odp_unmap_dma_pages',
      when: untilIdle,
      run(k, t) {
        if (!k.umemOdps.isLive(t.umem)) return t.done(-EFAULT)
        const { start, pages } = k.umemOdps.at(t.umem)
        k.nicEntries.in(t.umem).clear(start, start + pages)
        return 'remove'
      },
    },
    remove: {
      does: 'Follow the page table no longer.',
      fn: 'mmu_interval_notifier_remove',
      when: untilIdle,
      run(k, t) {
        k.nicEntries.in(t.umem).clear(0, 2 ** 40)
        k.umemOdps.free(t.umem)
        return t.done(0)
      },
    },
  },
})
