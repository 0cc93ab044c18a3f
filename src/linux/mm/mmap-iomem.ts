import { ref, text, wide } from '../../arena'
import { mmap_mem } from '../drivers/char/mem'
import { pci_mmap_resource, proc_bus_pci_mmap } from '../drivers/pci/mmap'
import { uio_mmap_physical } from '../drivers/uio/uio'
import { vfio_pci_core_mmap } from '../drivers/vfio/pci/vfio_pci_core'
import { EBADF, EINVAL, ENOMEM, EPERM } from '../include/errno'
import { VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { iomemNodeOf, untilIomemUnlocked } from '../kernel/iomem-mapping'
import { resourceReadable } from '../kernel/resource-lock'
import { operation } from '../operation'
import { ownMm, untilMmapWritable } from './locks'
import { mayMapPage } from './memory-pfnmap'
import { areaLabel, PRIVATE_RW, unmappedArea } from './mmap'
import { zap } from './rmap'

/** ->mmap of the file_operations. */
function mmapOf(k: Kernel, file: number) {
  const kind = iomemNodeOf(k, k.files.at(file).f_inode)?.kind ?? 'mem'
  switch (kind) {
    case 'mem':
      return mmap_mem
    case 'resource':
      return pci_mmap_resource
    case 'proc':
      return proc_bus_pci_mmap
    case 'vfio':
      return vfio_pci_core_mmap
    case 'uio':
      return uio_mmap_physical
    default:
      return kind satisfies never
  }
}

/** What a process may map at once: the checks go page by page. */
const MAX_PAGES = 512

/** MM of the iomem sheet, §2.2. Returns the number of the area. */
export const mmap_region = operation({
  name: 'mmap_region',
  does: 'Maps I/O memory, shared.',
  source: {
    file: 'mm/mmap.c',
    fn: 'mmap_region',
    version: '6.12',
    note: 'mmap_region() and __mmap_region(); ->mmap() runs before the area is linked in 6.1 as well.',
  },
  leftOut: 'MAP_PRIVATE, MAP_FIXED, merging of areas.',
  via: ['do_mmap', 'vm_mmap_pgoff', 'ksys_mmap_pgoff'],
  start: {
    label: 'Map I/O memory of this file',
    on: ['inode'],
    by: 'process',
    offered: (k, { id }) => iomemNodeOf(k, id) !== undefined,
    args(k, { id }) {
      const file = k.files.find(({ f_inode }) => f_inode === id)
      return { file: file?.id ?? 0, pages: 1, pgoff: 0, label: areaLabel(k) }
    },
    refuse(k, { pages, pgoff }, task) {
      if (k.tasks.at(task).mm === 0) return 'This thread has no address space here.'
      if (k.vmas.isFull) return 'This simulation has no room for another mapping.'
      if (pages < 1 || pages > MAX_PAGES) return `Map from 1 to ${MAX_PAGES} pages.`
      return pgoff >= 0 && pgoff <= 2 ** 40 ? undefined : 'The offset is out of range.'
    },
  },
  params: { file: ref('file'), pages: wide(), pgoff: wide(), label: text() },
  locals: { vma: ref('vm_area_struct') },
  entry: 'alloc',
  steps: {
    alloc: {
      does: 'Is the file open? Take mmap_lock for writing, allocate the area, and call ->mmap() of the file.',
      fn: 'call_mmap',
      when: ownMm(untilMmapWritable),
      run(k, t) {
        const { mm } = t.task
        if (!k.files.isLive(t.file) || k.files.at(t.file).owner !== mm) return t.done(-EBADF)
        if (t.pages === 0) return t.done(-EINVAL)
        const vm_start = unmappedArea(k, mm, t.pgoff)
        const vma = k.vmas.alloc({
          vm_mm: mm,
          vm_start,
          vm_end: vm_start + t.pages,
          vm_flags: PRIVATE_RW | VM.shared,
          vm_file: k.files.at(t.file).f_inode,
          vm_pgoff: t.pgoff,
          label: t.label,
        })
        if (vma === undefined) return t.done(-ENOMEM)
        k.mms.at(mm).mmap_lock = t.task.id
        t.vma = vma.id
        return t.call(mmapOf(k, t.file), { vma: vma.id, file: t.file }, 'mapped')
      },
    },
    mapped: {
      does: 'Did ->mmap() refuse? Then the area is freed. Otherwise the task’s tree gets it.',
      fn: 'vma_iter_store',
      run(k, t) {
        if (t.ret === 0) return 'link'
        k.vmas.free(t.vma)
        k.mms.at(t.task.mm).mmap_lock = 0
        return t.done(t.ret)
      },
    },
    link: {
      does: 'Take i_mmap_rwsem for writing, and link the area: from here on a claim can see it.',
      fn: 'vma_link_file',
      when: untilIomemUnlocked,
      run(k, t) {
        const vma = k.vmas.at(t.vma)
        vma.i_mmap = k.files.at(t.file).f_mapping
        return k.policy.iomemMmap === 'recheck' ? 'recheck' : 'unlock'
      },
    },
    recheck: {
      does: 'Now that a claim would see the area: has one come meanwhile? Then take the area down again.',
      fn: 'recheck (an idea)',
      when: resourceReadable,
      run(k, t) {
        const vma = k.vmas.at(t.vma)
        const { vm_mm, vm_start, vm_end, vm_pgoff } = vma
        for (let pfn = vm_pgoff; pfn < vm_pgoff + vm_end - vm_start; pfn++) {
          if (mayMapPage(k, vma, pfn)) continue
          zap(k, vm_mm, vm_start, vm_end)
          k.vmas.free(t.vma)
          k.mms.at(vm_mm).mmap_lock = 0
          return t.done(-EPERM)
        }
        return 'unlock'
      },
    },
    unlock: {
      does: 'Drop mmap_lock: mmap() returns the address.',
      fn: 'mmap_write_unlock',
      run(k, t) {
        k.mms.at(t.task.mm).mmap_lock = 0
        return t.done(t.vma)
      },
    },
  },
})
