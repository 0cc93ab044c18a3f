import { ref } from '../../../../arena'
import { EINVAL } from '../../../include/errno'
import { PAGE_SIZE } from '../../../include/mm'
import { iomemNodeOf } from '../../../kernel/iomem-mapping'
import { remap_pfn_range } from '../../../mm/memory-pfnmap'
import { operation } from '../../../operation'

/** §5 of the iomem sheet. */
export const vfio_pci_core_mmap = operation({
  name: 'vfio_pci_core_mmap',
  does: 'Maps a BAR of a device that vfio-pci has claimed; its pages come by fault.',
  source: { file: 'drivers/vfio/pci/vfio_pci_core.c', fn: 'vfio_pci_core_mmap', version: '6.12' },
  leftOut: 'Reset and memory disable, around which the entries are cleared.',
  params: { vma: ref('vm_area_struct'), file: ref('file') },
  entry: 'mark',
  steps: {
    mark: {
      does: 'Inside the BAR? Mark the area, and write no entry: vfio_pci_mmap_fault() inserts them.',
      run(k, t) {
        const vma = k.vmas.at(t.vma)
        const { start, end } = k.resources.at(iomemNodeOf(k, vma.vm_file)?.bar ?? 0)
        const pages = vma.vm_end - vma.vm_start
        if (vma.vm_pgoff + pages > Math.ceil((end + 1 - start) / PAGE_SIZE)) return t.done(-EINVAL)
        vma.vm_pgoff += Math.floor(start / PAGE_SIZE)
        remap_pfn_range(k, vma)
        return t.done()
      },
    },
  },
})
