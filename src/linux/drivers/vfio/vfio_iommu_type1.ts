import { int, ref, wide } from '../../../arena'
import { EFAULT, EINVAL } from '../../include/errno'
import { VM_FAULT_SIGBUS } from '../../include/mm'
import type { Kernel } from '../../kernel'
import { storeByte } from '../../mm/contents'
import { isPfnmap, pfnmapFault } from '../../mm/memory-pfnmap'
import { vma_lookup } from '../../mm/rmap'
import { operation } from '../../operation'

/** The page of an area of I/O memory at an address, faulted in if that is possible (follow_fault_pfn). */
export function follow_fault_pfn(k: Kernel, mm: number, vpn: number): number | undefined {
  const vma = vma_lookup(k, mm, vpn)
  if (vma === undefined || !isPfnmap(vma)) return undefined
  const ptes = k.ptes.in(mm)
  if (!ptes.has(vpn) && (pfnmapFault(k, vma, vpn) & VM_FAULT_SIGBUS) !== 0) return undefined
  return ptes.at(vpn).pfn
}

/** W20 of the iomem sheet: VFIO_IOMMU_MAP_DMA of an address that maps a BAR. */
export const vfio_dma_do_map = operation({
  name: 'vfio_dma_do_map',
  does: 'Lets a device that a process has through VFIO reach a page of the process.',
  source: { file: 'drivers/vfio/vfio_iommu_type1.c', fn: 'vfio_dma_do_map', version: '6.12' },
  leftOut: 'Ordinary memory, which is pinned; more than one page; the limits of the container.',
  via: ['vfio_iommu_type1_ioctl'],
  start: {
    label: 'Give this page of I/O memory to a VFIO device',
    on: ['vma'],
    by: 'process',
    offered: (k, { id }) => isPfnmap(k.vmas.at(id)),
    args: (k, { id }) => ({ vpn: k.vmas.at(id).vm_start, iova: 1 }),
    refuse(k, { vpn, iova }, task) {
      const vma = vma_lookup(k, k.tasks.at(task).mm, vpn)
      if (vma === undefined || !isPfnmap(vma)) return 'No I/O memory is mapped there.'
      return iova >= 0 && iova < 2 ** 36 ? undefined : 'The I/O virtual page is out of range.'
    },
  },
  params: { vpn: wide(), iova: wide() },
  locals: { pfn: wide() },
  entry: 'follow',
  steps: {
    follow: {
      does: 'There is no struct page to pin: read the pfn out of the page table.',
      fn: 'follow_fault_pfn',
      run(k, t) {
        const pfn = follow_fault_pfn(k, t.task.mm, t.vpn)
        if (pfn === undefined) return t.done(-EFAULT)
        t.pfn = pfn
        return 'map'
      },
    },
    map: {
      does: 'Write it into the IOMMU’s page table. Nothing will tell when the entry of the CPU goes.',
      fn: 'iommu_map',
      run(k, t) {
        const { mm } = t.task
        k.iommuPtes.in(mm).fill(t.iova, t.iova + 1, { pfn: t.pfn, mm })
        return t.done()
      },
    },
  },
})

const iovaOf = (k: Kernel, mm: number, iova: number): number | undefined => {
  const table = k.iommuPtes.in(mm)
  return table.has(iova) ? table.at(iova).pfn : undefined
}

/** The device at work: it knows I/O virtual addresses, and the IOMMU what they mean. */
export const iommuDmaWrite = operation({
  name: 'iommuDmaWrite',
  does: 'The VFIO device writes to an I/O virtual address.',
  source: { file: 'Documentation/driver-api/vfio.rst', fn: 'DMA write', version: '6.12' },
  leftOut: 'The bus.',
  start: {
    label: 'The VFIO device writes there',
    on: ['mm'],
    by: 'device',
    offered: (k, { id }) => k.iommuPtes.in(id).runs().length > 0,
    args: (k, { id }) => ({ mm: k.mms.at(id).id, iova: 1, value: 0xd1 }),
    refuse(k, { mm, iova, value }) {
      if (!k.mms.isLive(mm) || iova < 0 || iova >= 2 ** 36) return 'There is no such container.'
      if (iovaOf(k, mm, iova) === undefined) return 'Nothing is mapped at this I/O address.'
      return value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'
    },
  },
  params: { mm: ref('mm_struct'), iova: wide(), value: int() },
  entry: 'write',
  steps: {
    write: {
      does: 'The data arrives where the IOMMU’s page table says, whoever has claimed that meanwhile.',
      run(k, t) {
        const pfn = iovaOf(k, t.mm, t.iova)
        if (pfn === undefined) return t.done(-EINVAL)
        storeByte(k, pfn, t.value, { mm: t.mm })
        return t.done()
      },
    },
  },
})
