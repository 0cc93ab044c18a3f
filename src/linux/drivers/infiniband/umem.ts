import { int, ref, wide } from '../../../arena'
import { EFAULT } from '../../include/errno'
import { MEMORY_REGION } from '../../include/umem'
import { pin_user_pages_fast } from '../../mm/gup'
import { dropAll, ownHandle } from '../../mm/gup-count'
import { operation } from '../../operation'

/** §4.6, W23 and W29 of the DAX sheet: ibv_reg_mr(). Returns how many pages are pinned, or an errno. */
export const ib_umem_get = operation({
  name: 'ib_umem_get',
  does: 'Registers memory of the process with an RDMA adapter: pins it for as long as it stays registered.',
  source: {
    file: 'drivers/infiniband/core/umem.c',
    fn: 'ib_umem_get',
    version: '6.12',
    evidence: 'recorded',
    note: 'Recorded is what the long-term pin does; there was no adapter.',
  },
  leftOut:
    'RLIMIT_MEMLOCK, the IOMMU, keys and queue pairs; up to 512 pages, pinned in one batch: where only some can be pinned it is -EFAULT, whatever the reason.',
  via: ['ib_uverbs_reg_mr', 'ib_uverbs_write'],
  start: {
    label: 'Register with an RDMA adapter',
    on: ['vma', 'pte'],
    by: 'process',
    args: (k, { kind, id, key }) => ({
      start: key ?? (kind === 'vma' ? k.vmas.at(id).vm_start : 0),
      pages: 1,
    }),
    refuse(k, { start, pages }, task) {
      if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
      if (k.pinHandles.isFull) return 'This simulation has no room for another memory region.'
      return pages >= 1 && pages <= 512 && start >= 0 ? undefined : 'Register from 1 to 512 pages.'
    },
  },
  params: { start: wide(), pages: int() },
  entry: 'pin',
  steps: {
    pin: {
      does: 'Pin the pages for a long time, and for writing: the adapter may write whenever it likes.',
      fn: 'ib_umem_get',
      run: (_k, t) =>
        t.call(
          pin_user_pages_fast,
          { start: t.start, pages: t.pages, write: 1, longterm: 1, force: 0 },
          'map',
        ),
    },
    map: {
      does: 'All of them? Then tell the adapter where they are. Otherwise let go of what was pinned, and fail: -EOPNOTSUPP on fs-dax.',
      fn: 'ib_dma_map_sgtable_attrs',
      run(k, t) {
        if (t.ret < 0) return t.done(t.ret)
        const handle = ownHandle(k, t.task)
        if (handle === undefined) return t.done(-EFAULT)
        if (t.ret === t.pages) {
          handle.user = MEMORY_REGION
          return t.done(t.ret)
        }
        dropAll(k, handle.id)
        k.pinHandles.free(handle.id)
        return t.done(-EFAULT)
      },
    },
  },
})

/** ibv_dereg_mr(). */
export const ib_umem_release = operation({
  name: 'ib_umem_release',
  does: 'Takes the registration back: the adapter forgets the pages, and they are unpinned.',
  source: {
    file: 'drivers/infiniband/core/umem.c',
    fn: 'ib_umem_release',
    version: '6.12',
    evidence: 'recorded',
    note: 'Recorded is the unpin, without an adapter.',
  },
  leftOut: 'The flush of the adapter, which is the only thing that it would wait for.',
  via: ['ib_dereg_mr_user', 'ib_uverbs_write'],
  start: {
    label: 'Deregister',
    on: ['pin'],
    by: 'process',
    args: (k, { id }) => ({ handle: k.pinHandles.at(id).id }),
    refuse: (k, { handle }) =>
      k.pinHandles.isLive(handle) && k.pinHandles.at(handle).user === MEMORY_REGION
        ? undefined
        : 'This is no memory region of an RDMA adapter.',
  },
  params: { handle: ref('pin_handle') },
  entry: 'unmap',
  steps: {
    unmap: {
      does: 'The adapter drops its addresses: no DMA from here on.',
      fn: 'ib_dma_unmap_sgtable_attrs',
      run(k, t) {
        if (!k.pinHandles.isLive(t.handle) || k.pinHandles.at(t.handle).user !== MEMORY_REGION)
          return t.done(-EFAULT)
        return 'unpin'
      },
    },
    unpin: {
      does: 'Unpin the pages. Where the device went meanwhile without waiting, their struct pages are gone, and this is an oops.',
      fn: '__ib_umem_release',
      run(k, t) {
        if (!k.pinHandles.isLive(t.handle)) return t.done(-EFAULT)
        dropAll(k, t.handle)
        k.pinHandles.free(t.handle)
        return t.done()
      },
    },
  },
})
