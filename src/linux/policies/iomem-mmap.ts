import { policy } from '../../machine'

/** W6 of the iomem sheet. */
export const iomemMmap = policy({
  name: 'iomemMmap',
  question: 'When does mmap() of I/O memory write its entries?',
  initial: 'early',
  values: {
    early: {
      title: 'before the area is linked',
      says: 'The checks, the entries, and then i_mmap: a claim that revokes in between does not see the area.',
      source: {
        file: 'mm/mmap.c',
        fn: 'mmap_region',
        version: '6.12',
        evidence: 'deduced',
        note: 'No public report is known.',
      },
    },
    recheck: {
      title: 'before, and check again afterwards',
      says: 'Once linked, the area is checked again, and taken down if a driver came meanwhile. An idea.',
    },
    fault: {
      title: 'on the first access',
      says: 'mmap() writes no entry; the fault checks and inserts one page under the page table lock, as VFIO does. An idea.',
    },
  },
})
