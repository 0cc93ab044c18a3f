import { policy } from '../../machine'

/** What kmem does with memory that is still online when its driver goes (dax sheet §4.4). */
export const kmemRemove = policy({
  name: 'kmemRemove',
  question: 'The kmem driver goes, and some of its memory is still online: what then?',
  initial: 'leak',
  values: {
    leak: {
      title: 'leak the range until reboot',
      says: 'remove_memory() fails with -EBUSY; the claim of the range stays, so nobody gets these addresses again.',
      source: { file: 'drivers/dax/kmem.c', fn: 'dev_dax_kmem_remove', version: '6.12' },
    },
    failMemory: {
      title: 'fail the memory, then remove it (an idea)',
      says: 'As the mail of March 2021 considers: memory_failure() over the range, so that remove_memory() must succeed. It was never coded.',
      source: {
        file: 'drivers/dax/kmem.c',
        fn: 'dev_dax_kmem_remove',
        version: '5.12-rc',
        evidence: 'deduced',
        note: 'An idea of the mail, without code.',
      },
    },
  },
})
