import { policy } from '../../machine'

/** What a write to the huge zero page gets. The kernels before 6.12 are from memory. */
export const hugeZeroWrite = policy({
  name: 'hugeZeroWrite',
  question: 'A write hits the huge zero page: a huge page, or a small one?',
  initial: 'allocate',
  values: {
    allocate: {
      title: 'a huge page (up to 5.7, and as recorded on 6.12)',
      says: 'A new huge page replaces the huge zero page.',
      source: {
        file: 'mm/huge_memory.c',
        fn: 'do_huge_zero_wp_pmd',
        version: '6.12',
        evidence: 'recorded',
      },
    },
    split: {
      title: 'one small page (5.8 to 6.11, from memory)',
      says: 'The PMD is split into 512 entries of the zero page, and one of them is copied.',
      source: {
        file: 'mm/huge_memory.c',
        fn: 'do_huge_pmd_wp_page',
        version: '6.1',
        evidence: 'deduced',
      },
    },
  },
})
