import type { Kernel } from '../kernel'
import { always } from '../operation'

/** I5 of the iomem sheet, §6. */
export const noNewMapOfClaim = always({
  name: 'noNewMapOfClaim',
  claim: 'When the checks of mmap() let an area pass, no driver has claimed a page of it.',
  sources: [{ file: 'drivers/pci/pci-sysfs.c', fn: 'pci_mmap_resource', version: '6.12' }],
  broken(k: Kernel) {
    if (k.policy.iomemParam === 'relaxed') return undefined
    const file = k.files.find(({ mapped_claimed }) => mapped_claimed > 0)
    if (file === undefined) return undefined
    const { mapped_claimed: pages, f_inode, id } = file
    const says = `mmap() of ${k.inodes.at(f_inode).name} let ${pages} claimed ${pages === 1 ? 'page' : 'pages'} pass`
    return { table: 'files', id, says }
  },
})
