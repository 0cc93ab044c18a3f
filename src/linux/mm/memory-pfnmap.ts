import { devmem_is_allowed } from '../arch/x86/mm/init'
import { PTE } from '../arch/x86/pgtable'
import { PAGE_SIZE, VM_FAULT_SIGBUS } from '../include/mm'
import { VM } from '../include/mm_types'
import type { Kernel } from '../kernel'
import { iomemNodeOf } from '../kernel/iomem-mapping'
import { claimedRanges, iomem_is_exclusive } from '../kernel/resource-walk'

type Vma = ReturnType<Kernel['vmas']['at']>

/** PAGE_SHARED with pte_mkspecial(): no struct page is looked at, there may be none. */
const PFNMAP_ENTRY = PTE.present | PTE.rw | PTE.user | PTE.accessed | PTE.special | PTE.nx

/** VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP (mm/memory.c, remap_pfn_range). */
const PFNMAP_FLAGS = VM.io | VM.pfnmap | VM.dontexpand | VM.dontdump

/** True for an area of I/O memory, whose entries no fault of the page cache fills. */
export const isPfnmap = ({ vm_flags }: { readonly vm_flags: number }): boolean =>
  (vm_flags & VM.pfnmap) !== 0

/**
 * io_remap_pfn_range(): all entries of the area at once. A design that fills them on faults, and
 * vfio_pci_core_mmap(), only mark the area.
 */
export function remap_pfn_range(k: Kernel, vma: Vma): void {
  const { vm_mm, vm_start, vm_end, vm_pgoff } = vma
  vma.vm_flags |= PFNMAP_FLAGS
  if (fillsOnFault(k, vma)) return
  k.ptes.in(vm_mm).fill(vm_start, vm_end, { pfn: vm_pgoff, flags: PFNMAP_ENTRY })
}

/** Does an access find its page, or SIGBUS? */
export const fillsOnFault = (k: Kernel, vma: Vma): boolean => {
  const kind = iomemNodeOf(k, vma.vm_file)?.kind
  return kind === 'vfio' || (kind !== 'uio' && k.policy.iomemMmap === 'fault')
}

/** May the area have this page now? What the checks of its mmap() ask, for one page. */
export function mayMapPage(k: Kernel, vma: Vma, pfn: number): boolean {
  const kind = iomemNodeOf(k, vma.vm_file)?.kind
  if (kind === 'vfio' || kind === 'uio') return true
  if (kind === 'mem' && k.policy.strictDevmem === 'on') return devmem_is_allowed(k, pfn) !== 0
  return kind === 'mem' || !iomem_is_exclusive(k, pfn * PAGE_SIZE)
}

/**
 * A fault in an area of I/O memory. mmap_mem_ops and pci_phys_vm_ops have no .fault, and the kernfs
 * wrapper finds none either: SIGBUS. Where pages are inserted on faults (vmf_insert_pfn), one is.
 */
export function pfnmapFault(k: Kernel, vma: Vma, vpn: number): number {
  const pfn = vma.vm_pgoff + vpn - vma.vm_start
  if (!fillsOnFault(k, vma) || !mayMapPage(k, vma, pfn)) return VM_FAULT_SIGBUS
  k.ptes.in(vma.vm_mm).fill(vpn, vpn + 1, { pfn, flags: PFNMAP_ENTRY })
  return 0
}

/** How many pages of an area a driver has claimed. */
export const claimedPages = (k: Kernel, { vm_pgoff, vm_start, vm_end }: Vma): number =>
  claimedRanges(k)
    .map(({ first, end }) => overlapLength(first, end, vm_pgoff, vm_pgoff + vm_end - vm_start))
    .reduce((sum, pages) => sum + pages, 0)

const overlapLength = (a: number, aEnd: number, b: number, bEnd: number): number =>
  Math.max(0, Math.min(aEnd, bEnd) - Math.max(a, b))
