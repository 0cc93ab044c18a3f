import { ref, wide } from '../../../arena'
import { devmem_is_allowed } from '../../arch/x86/mm/init'
import { EINVAL, EPERM } from '../../include/errno'
import { PAGE_SIZE } from '../../include/mm'
import type { Kernel } from '../../kernel'
import { resourceReadable } from '../../kernel/resource-lock'
import {
  iomem_is_exclusive,
  LOW_MEGABYTE,
  region_intersects,
  SYSTEM_RAM,
} from '../../kernel/resource-walk'
import { remap_pfn_range } from '../../mm/memory-pfnmap'
import { linkBeforeChecks, noteChecked } from '../../mm/mmap-checks'
import { operation } from '../../operation'

/** Pages that a 52-bit physical address can name (arch/x86/mm/mmap.c, valid_mmap_phys_addr_range). */
const PHYS_PAGES = 2 ** 40

const pagesOf = (k: Kernel, vma: number) => {
  const { vm_pgoff, vm_start, vm_end } = k.vmas.at(vma)
  return { first: vm_pgoff, end: vm_pgoff + vm_end - vm_start }
}

/** MM1 and MM2 of the iomem sheet, §2.2, and the rows of §2.1 for /dev/mem. */
export const mmap_mem = operation({
  name: 'mmap_mem',
  does: 'Checks every page that is to be mapped, and writes the entries.',
  source: { file: 'drivers/char/mem.c', fn: 'mmap_mem', version: '6.12', evidence: 'recorded' },
  leftOut: 'The memory type (PAT), but for its refusal of RAM.',
  params: { vma: ref('vm_area_struct'), file: ref('file') },
  locals: { pfn: wide() },
  entry: 'check_offset',
  steps: {
    check_offset: {
      does: 'Does the range fit below the highest physical address, without wrapping around?',
      fn: 'valid_mmap_phys_addr_range',
      run(k, t) {
        const { first, end } = pagesOf(k, t.vma)
        if (end > PHYS_PAGES) return t.done(-EINVAL)
        linkBeforeChecks(k, t)
        t.pfn = first
        return k.policy.strictDevmem === 'on' ? 'check_ram' : 'check_pat'
      },
    },
    check_ram: {
      does: 'Under resource_lock for reading: is the next page RAM? Then it is refused, but for the first megabyte.',
      fn: 'devmem_is_allowed',
      when: resourceReadable,
      run(k, t) {
        const start = t.pfn * PAGE_SIZE
        const isLow = start < LOW_MEGABYTE
        const range = { start, end: start + PAGE_SIZE - 1 }
        const isRam = region_intersects(k, range, SYSTEM_RAM) !== 'DISJOINT'
        if (isRam && !isLow) return t.done(-EPERM)
        return isRam ? 'next_page' : 'check_exclusive'
      },
    },
    check_exclusive: {
      does: 'Under resource_lock again: is the page exclusive, which with IO_STRICT_DEVMEM means claimed?',
      fn: 'iomem_is_exclusive',
      when: resourceReadable,
      run(k, t) {
        const start = t.pfn * PAGE_SIZE
        const isRefused = start >= LOW_MEGABYTE && iomem_is_exclusive(k, start)
        return isRefused ? t.done(-EPERM) : nextPage(k, t)
      },
    },
    next_page: {
      does: 'RAM of the first megabyte counts as allowed: go on with the next page.',
      fn: 'range_is_allowed',
      run: (k, t) => nextPage(k, t),
    },
    check_pat: {
      does: 'No filter of /dev/mem; but PAT must not alias RAM, and asks devmem_is_allowed() itself.',
      fn: 'phys_mem_access_prot_allowed',
      when: resourceReadable,
      run(k, t) {
        const { first, end } = pagesOf(k, t.vma)
        for (let pfn = first; pfn < end; pfn++)
          if (devmem_is_allowed(k, pfn) === 0) return t.done(-EINVAL)
        noteChecked(k, t)
        return 'remap'
      },
    },
    remap: {
      does: 'Write all entries, special ones without a struct page; the area is VM_IO and VM_PFNMAP. vm_ops has no .fault.',
      fn: 'remap_pfn_range',
      run(k, t) {
        remap_pfn_range(k, k.vmas.at(t.vma))
        return t.done()
      },
    },
  },
})

/** The loop of range_is_allowed(): to the next page, or on with the entries. */
function nextPage(
  k: Kernel,
  t: { pfn: number; readonly vma: number; readonly file: number },
): 'check_ram' | 'remap' {
  t.pfn += 1
  if (t.pfn < pagesOf(k, t.vma).end) return 'check_ram'
  noteChecked(k, t)
  return 'remap'
}
