import { policy } from '../../machine'

/** What removal does about long-term pins (dax sheet §4.5, §4.6). */
export const longtermRevoke = policy({
  name: 'longtermRevoke',
  question: 'A device goes while somebody holds long-term pins of its memory: are they revoked?',
  initial: 'never',
  values: {
    never: {
      title: 'no (as it is)',
      says: 'The pin lives as long as its owner likes: removal waits for it, or does not, as the kernel has it.',
      source: { file: 'drivers/infiniband/core/umem.c', fn: 'ib_umem_release', version: '6.12' },
    },
    revoke: {
      title: 'yes (debated 2018–2019, never built)',
      says: 'The driver that holds the pins is told, stops its DMA and lets go, before the struct pages go.',
      source: {
        file: 'drivers/infiniband/core/umem.c',
        fn: 'ib_umem_release',
        version: 'the threads of 2018 and 2019',
        evidence: 'deduced',
        note: 'A design, not code.',
      },
    },
  },
})
