import { int, ref, wide } from '../../../arena'
import { PMD_PAGES, PTE } from '../../arch/x86/pgtable'
import { VM_FAULT_NOPAGE, VM_FAULT_SIGBUS } from '../../include/mm'
import { PG } from '../../include/page-flags'
import type { Kernel } from '../../kernel'
import { FRESH } from '../../mm/memory-anon'
import { prep_compound_page } from '../../mm/page_alloc'
import { countDaxEntry } from '../../mm/rmap'
import { operation } from '../../operation'
import { daxDeviceOf } from './device'

/** §4.2: dev_dax_huge_fault(): check and insert within one dax_read_lock(). */
export const dev_dax_huge_fault = operation({
  name: 'dev_dax_huge_fault',
  does: 'Maps pages of a DAX device.',
  source: {
    file: 'drivers/dax/device.c',
    fn: 'dev_dax_huge_fault',
    version: '6.12',
    evidence: 'recorded',
  },
  leftOut: 'Alignments of 1 GiB.',
  params: { vma: ref('vm_area_struct'), vpn: wide(), write: int() },
  locals: { dax: ref('dax_device'), device: ref('nd_namespace') },
  entry: 'read_lock',
  steps: {
    read_lock: {
      does: 'Enter dax_read_lock(), and look whether the device is alive.',
      fn: 'dax_read_lock',
      run(k, t) {
        const device = daxDeviceOf(k, k.vmas.at(t.vma).vm_file)
        const dax = k.daxDevices.find((each) => each.device === device?.id)
        if (device === undefined || dax === undefined || dax.alive === 0)
          return t.done(VM_FAULT_SIGBUS)
        t.dax = dax.id
        t.device = device.id
        dax.srcu_readers += 1
        return 'insert'
      },
    },
    insert: {
      does: 'Write the entry: a PMD where the device is aligned so. Then leave dax_read_lock().',
      fn: 'vmf_insert_pfn_pmd',
      run(k, t) {
        const { start, align } = k.namespaces.at(t.device)
        const { vm_mm, vm_file, vm_start, vm_pgoff } = k.vmas.at(t.vma)
        const vpn = t.vpn - (t.vpn % align)
        const pfn = start + vm_pgoff + vpn - vm_start
        const written = t.write === 1 ? PTE.dirty | PTE.soft_dirty : 0
        const flags = FRESH | PTE.rw | deviceBits(k, align) | written
        const ptes = k.ptes.in(vm_mm)
        if (align === PMD_PAGES && !k.folios.has(pfn)) prep_device_folio(k, pfn)
        dax_set_mapping(k, pfn, vm_file, vm_pgoff + vpn - vm_start)
        if (!ptes.has(vpn)) {
          ptes.fill(vpn, vpn + align, { pfn, flags, gen: k.namespaces.at(t.device).gen })
          if (k.policy.daxRefcount === 'counted') countDaxEntry(k, pfn, align, 1)
        }
        k.daxDevices.at(t.dax).srcu_readers -= 1
        return t.done(VM_FAULT_NOPAGE)
      },
    },
  },
})

/** Bits that mark an entry of a DAX device: from 6.15 on it is an ordinary one, counted in its page. */
function deviceBits(k: Kernel, align: number): number {
  const size = align === PMD_PAGES ? PTE.pse : 0
  if (k.policy.daxRefcount === 'counted') return size
  return size | PTE.devmap | (align === PMD_PAGES ? 0 : PTE.special)
}

/** The page, or of a folio the head, learns which node it is part of: memory_failure() finds it by that. */
function dax_set_mapping(k: Kernel, pfn: number, inode: number, index: number): void {
  const page = k.pages.at(pfn)
  if (page.mapping !== 0) return
  page.mapping = k.inodes.at(inode).id
  page.index = index
}

/** The folio of 2 MiB that the memory map has there: one reference, the device’s own, at its head. */
function prep_device_folio(k: Kernel, head: number): void {
  prep_compound_page(k, head, 9)
  k.pages.edit(head, head + PMD_PAGES, () => ({ mapcount: -1 }))
  k.pages.at(head).flags |= PG.head
}
