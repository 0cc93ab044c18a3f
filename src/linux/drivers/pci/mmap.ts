import { ref } from '../../../arena'
import { capable } from '../../include/capability'
import { EINVAL, ENODEV, EPERM } from '../../include/errno'
import { PAGE_SIZE } from '../../include/mm'
import { CAP } from '../../include/sched'
import type { Kernel } from '../../kernel'
import { iomemNodeOf } from '../../kernel/iomem-mapping'
import { resourceReadable } from '../../kernel/resource-lock'
import { iomem_is_exclusive } from '../../kernel/resource-walk'
import { remap_pfn_range } from '../../mm/memory-pfnmap'
import { linkBeforeChecks, noteChecked } from '../../mm/mmap-checks'
import { operation } from '../../operation'

/** The BAR of an area’s file, as page frames [first, end). */
function barOf(k: Kernel, vma: number): { start: number; first: number; end: number } {
  const { vm_file } = k.vmas.at(vma)
  const { start, end } = k.resources.at(iomemNodeOf(k, vm_file)?.bar ?? 0)
  return { start, first: Math.floor(start / PAGE_SIZE), end: Math.ceil((end + 1) / PAGE_SIZE) }
}

/** pci_mmap_fits() */
function fits(k: Kernel, vma: number): boolean {
  const { vm_pgoff, vm_start, vm_end } = k.vmas.at(vma)
  const { first, end } = barOf(k, vma)
  return vm_pgoff >= first && vm_pgoff + vm_end - vm_start <= end
}

const params = { vma: ref('vm_area_struct'), file: ref('file') }

/** Rows of §2.1 of the iomem sheet for resourceN. */
export const pci_mmap_resource = operation({
  name: 'pci_mmap_resource',
  does: 'Checks the BAR, and writes the entries.',
  source: {
    file: 'drivers/pci/pci-sysfs.c',
    fn: 'pci_mmap_resource',
    version: '6.12',
    evidence: 'recorded',
  },
  leftOut: 'I/O BARs, and write combining.',
  params,
  entry: 'lockdown',
  steps: {
    lockdown: {
      does: 'Locked down: -EPERM. No capability is asked for: the file’s mode is 0600.',
      fn: 'security_locked_down',
      run(k, t) {
        if (k.policy.lockdown === 'integrity') return t.done(-EPERM)
        k.vmas.at(t.vma).vm_pgoff += barOf(k, t.vma).first
        linkBeforeChecks(k, t)
        return 'check_exclusive'
      },
    },
    check_exclusive: {
      does: 'Is the BAR exclusive? Only its first page is looked at, whatever is to be mapped.',
      fn: 'iomem_is_exclusive',
      when: resourceReadable,
      run(k, t) {
        if (iomem_is_exclusive(k, barOf(k, t.vma).start)) return t.done(-EINVAL)
        noteChecked(k, t)
        return 'fits'
      },
    },
    fits: {
      does: 'Is it inside the BAR?',
      fn: 'pci_mmap_fits',
      run(k, t) {
        if (fits(k, t.vma)) return 'remap'
        k.files.at(t.file).mapped_claimed = 0
        return t.done(-EINVAL)
      },
    },
    remap: {
      does: 'Write all entries: vm_pgoff is the pfn from here on, as in areas of /dev/mem.',
      fn: 'pci_mmap_resource_range',
      run(k, t) {
        remap_pfn_range(k, k.vmas.at(t.vma))
        return t.done()
      },
    },
  },
})

/** The exclusive check of procfs came with 5.12 (commit 636b21b50152 and its series). */
const procChecks = (k: Kernel): boolean =>
  k.policy.iomemClaim !== 'ignore' && k.policy.iomemClaim !== 'revokeDevmem'

/** Rows of §2.1 of the iomem sheet for /proc/bus/pci. */
export const proc_bus_pci_mmap = operation({
  name: 'proc_bus_pci_mmap',
  does: 'Finds the BAR that the offset means, checks it, and writes the entries.',
  source: { file: 'drivers/pci/proc.c', fn: 'proc_bus_pci_mmap', version: '6.12' },
  leftOut: 'The ioctls that choose I/O space or write combining; each node here has one BAR.',
  params,
  entry: 'may',
  steps: {
    may: {
      does: 'CAP_SYS_RAWIO, and no lockdown; otherwise -EPERM.',
      fn: 'security_locked_down',
      run(k, t) {
        const isAllowed = capable(t.task, CAP.sys_rawio) && k.policy.lockdown === 'none'
        return isAllowed ? 'find_bar' : t.done(-EPERM)
      },
    },
    find_bar: {
      does: 'Which BAR has the physical address? None: -ENODEV.',
      fn: 'pci_mmap_fits',
      run(k, t) {
        if (!fits(k, t.vma)) return t.done(-ENODEV)
        linkBeforeChecks(k, t)
        return 'check_exclusive'
      },
    },
    check_exclusive: {
      does: 'Is the BAR exclusive (5.12)? Only its first page is looked at.',
      fn: 'iomem_is_exclusive',
      when: resourceReadable,
      run(k, t) {
        if (procChecks(k) && iomem_is_exclusive(k, barOf(k, t.vma).start)) return t.done(-EINVAL)
        noteChecked(k, t)
        return 'remap'
      },
    },
    remap: {
      does: 'Write all entries.',
      fn: 'pci_mmap_resource_range',
      run(k, t) {
        remap_pfn_range(k, k.vmas.at(t.vma))
        return t.done()
      },
    },
  },
})
