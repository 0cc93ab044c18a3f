import { choice, int, ref, struct, text, wide } from '../../arena'

/** struct pci_p2pdma (drivers/pci/p2pdma.c) of a PCI device, with the BAR that it lends out. */
export const PciP2pdma = struct('pci_p2pdma', {
  name: text('The PCI device.'),
  start: wide(0, 'First pfn of the BAR.'),
  pages: int(0, 'Pages of it.'),
  state: choice(
    ['none', 'present', 'removing'],
    'pdev->p2pdma: NULL, set, or set while its resources go.',
  ),
  inode: ref('inode', 'The sysfs file p2pmem/allocate, which processes map.'),
  pgmap: ref('dev_pagemap', 'Its pages.'),
})
