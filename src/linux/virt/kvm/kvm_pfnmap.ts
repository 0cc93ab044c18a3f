import { int, ref, wide } from '../../../arena'
import { follow_fault_pfn } from '../../drivers/vfio/vfio_iommu_type1'
import { EFAULT } from '../../include/errno'
import type { Kernel } from '../../kernel'
import { storeByte } from '../../mm/contents'
import { isPfnmap } from '../../mm/memory-pfnmap'
import { vma_lookup } from '../../mm/rmap'
import { operation } from '../../operation'

/** §5 of the iomem sheet: a memslot over an area of I/O memory. */
export const hva_to_pfn_remapped = operation({
  name: 'hva_to_pfn_remapped',
  does: 'A guest touches a page whose memslot lies over I/O memory of its process.',
  source: { file: 'virt/kvm/kvm_main.c', fn: 'hva_to_pfn_remapped', version: '6.12' },
  leftOut: 'Memslots: a guest page is named by the host address that it lies at. Ordinary memory.',
  via: ['kvm_faultin_pfn', 'kvm_mmu_page_fault'],
  start: {
    label: 'Let a guest touch this page of I/O memory',
    on: ['vma'],
    by: 'process',
    offered: (k, { id }) => isPfnmap(k.vmas.at(id)),
    args: (k, { id }) => ({ vpn: k.vmas.at(id).vm_start }),
    refuse(k, { vpn }, task) {
      const vma = vma_lookup(k, k.tasks.at(task).mm, vpn)
      return vma !== undefined && isPfnmap(vma) ? undefined : 'No I/O memory is mapped there.'
    },
  },
  params: { vpn: wide() },
  entry: 'follow',
  steps: {
    follow: {
      does: 'Read the pfn out of the host’s page table, and write it into the second stage; MMU notifiers keep both together.',
      run(k, t) {
        const { mm } = t.task
        const pfn = follow_fault_pfn(k, mm, t.vpn)
        if (pfn === undefined) return t.done(-EFAULT)
        k.stage2Ptes.in(mm).fill(t.vpn, t.vpn + 1, { pfn })
        return t.done()
      },
    },
  },
})

const guestPage = (k: Kernel, mm: number, vpn: number): number | undefined => {
  const table = k.stage2Ptes.in(mm)
  return table.has(vpn) ? table.at(vpn).pfn : undefined
}

/** A store of the guest: the second stage decides, and KVM asks the host where it has nothing. */
export const guestStore = operation({
  name: 'guestStore',
  does: 'The guest writes to a page.',
  source: { file: 'virt/kvm/kvm_main.c', fn: 'kvm_faultin_pfn', version: '6.12' },
  leftOut: 'The guest’s own page table.',
  start: {
    label: 'The guest writes there',
    on: ['vma'],
    by: 'process',
    offered: (k, { id }) => isPfnmap(k.vmas.at(id)),
    args: (k, { id }) => ({ mm: k.vmas.at(id).vm_mm, vpn: k.vmas.at(id).vm_start, value: 0x6e }),
    refuse(k, { mm, vpn, value }, task) {
      if (k.tasks.at(task).mm !== mm || mm === 0) return 'The guest is of another process.'
      if (vpn < 0 || vpn >= 2 ** 36) return 'The address is out of range.'
      return value >= 0 && value <= 0xff ? undefined : 'A byte is from 0 to 255.'
    },
  },
  params: { mm: ref('mm_struct'), vpn: wide(), value: int() },
  entry: 'store',
  steps: {
    store: {
      does: 'Does the second stage map the page? Otherwise KVM_RUN gives -EFAULT here: the host is asked by hva_to_pfn_remapped().',
      run(k, t) {
        const pfn = guestPage(k, t.mm, t.vpn)
        if (pfn === undefined) return t.done(-EFAULT)
        storeByte(k, pfn, t.value, { mm: t.mm })
        return t.done()
      },
    },
  },
})
