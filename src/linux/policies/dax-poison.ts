import { policy } from '../../machine'

/** What a fault on a known bad block of a DAX file comes to (dax sheet §2.3 step 5). */
export const daxPoison = policy({
  name: 'daxPoison',
  question: 'A fault meets a block that is known to be bad: what does the process hear?',
  initial: 'hwpoison',
  values: {
    hwpoison: {
      title: 'that memory is lost (6.6+)',
      says: 'direct_access says -EHWPOISON, and SIGBUS has si_code BUS_MCEERR_AR.',
      source: { file: 'fs/dax.c', fn: 'dax_fault_return', version: '6.12' },
    },
    sigbus: {
      title: 'that there is nothing there (up to 6.5)',
      says: 'direct_access says -EIO, and SIGBUS has si_code BUS_ADRERR.',
      source: {
        file: 'drivers/nvdimm/pmem.c',
        fn: '__pmem_direct_access',
        version: '6.1',
        note: 'The version of the change, 6.6, is from memory.',
      },
    },
  },
})
