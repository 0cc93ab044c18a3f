import { ref } from '../../../arena'
import { PAGE_SIZE } from '../../include/mm'
import { iomemNodeOf } from '../../kernel/iomem-mapping'
import { remap_pfn_range } from '../../mm/memory-pfnmap'
import { operation } from '../../operation'

/** §5 of the iomem sheet: a driver that lets user space at its device. */
export const uio_mmap_physical = operation({
  name: 'uio_mmap_physical',
  does: 'Maps the BAR of a device that the UIO driver has claimed.',
  source: {
    file: 'drivers/uio/uio.c',
    fn: 'uio_mmap_physical',
    version: '6.12',
    note: 'That its areas are in the i_mmap of its own node is from memory.',
  },
  leftOut: 'Checks of the size; logical and virtual memory.',
  params: { vma: ref('vm_area_struct'), file: ref('file') },
  entry: 'remap',
  steps: {
    remap: {
      does: 'Write all entries. The claim is the driver’s own, so nobody asks whether it is exclusive.',
      fn: 'remap_pfn_range',
      run(k, t) {
        const vma = k.vmas.at(t.vma)
        const bar = k.resources.at(iomemNodeOf(k, vma.vm_file)?.bar ?? 0)
        vma.vm_pgoff += Math.floor(bar.start / PAGE_SIZE)
        remap_pfn_range(k, vma)
        return t.done()
      },
    },
  },
})
