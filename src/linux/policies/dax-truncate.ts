import { policy } from '../../machine'

/** What truncate does when a block that it frees is still under DMA (dax sheet §3, 2017 thread). */
export const daxTruncate = policy({
  name: 'daxTruncate',
  question: 'A truncated block is still under DMA: does truncate wait?',
  initial: 'wait',
  values: {
    wait: {
      title: 'wait (4.18+)',
      says: 'Truncate unmaps the file, and sleeps until every page is idle.',
      source: {
        file: 'fs/dax.c',
        fn: 'dax_layout_busy_page',
        version: '4.18',
        evidence: 'recorded',
        note: 'Recorded on XFS of 6.12. That ext4 has it since 4.19 is from memory.',
      },
    },
    fail: {
      title: 'fail (option 1 of 2017)',
      says: 'Truncate unmaps the file, finds a page in use, and returns an error that user space never saw before.',
      source: {
        file: 'fs/dax.c',
        fn: 'truncate',
        version: 'the thread of October 2017',
        evidence: 'deduced',
        note: 'A design, not code: which errno it would be was never said.',
      },
    },
    lease: {
      title: 'wait for a lease (option 2, the series of 2017)',
      says: 'GUP takes a lease of the file; truncate breaks it, and polls once a second until the pages are idle.',
      source: {
        file: 'fs/dax.c',
        fn: 'dax_lease_break_work',
        version: 'the series of October 2017',
        note: 'Not merged. As posted, leases_conflict() would let a write break the lease too: deduced from the patch.',
      },
    },
    leaseLayout: {
      title: 'wait for a lease that writes break too (FL_LAYOUT)',
      says: 'The same with FL_LAYOUT, as pNFS has it: a write breaks it as well, and waits for its own pin where its buffer is a mapping of the file.',
    },
    leaseLiteral: {
      title: 'wait for a lease, by the letter of the series of 2017',
      says: 'The same with FL_ALLOCATED, but leases_conflict() as it was posted: FL_LAYOUT and FL_ALLOCATED conflict, so a write breaks the lease too.',
      source: { file: 'fs/locks.c', fn: 'leases_conflict', version: '4.14', evidence: 'deduced' },
    },
    remap: {
      title: 'move the blocks aside (option 3 of 2017)',
      says: 'Blocks under DMA go to a file like lost+found, truncate returns at once, and they are freed when the DMA is over.',
      source: {
        file: 'fs/dax.c',
        fn: 'remap',
        version: 'the thread of October 2017',
        evidence: 'deduced',
        note: 'A design, not code.',
      },
    },
    noDax: {
      title: 'no DAX (option 4 of 2017)',
      says: 'The file is cached in ordinary memory: DMA goes on into a page that no block depends on.',
      source: {
        file: 'fs/dax.c',
        fn: 'S_DAX',
        version: 'the thread of October 2017',
        evidence: 'deduced',
        note: 'A design: file systems can turn DAX off, but not for this.',
      },
    },
    ignore: {
      title: 'ignore (up to 4.17)',
      says: 'Truncate frees the block at once; DMA goes on into what may be another file.',
      source: { file: 'fs/dax.c', fn: 'dax_delete_mapping_entry', version: '4.17' },
    },
  },
})
