import { policy } from '../../machine'

/** What a CPU gets that loads from a CXL device that no longer answers (dax sheet §6.3, U1). */
export const linkDown = policy({
  name: 'linkDown',
  question: 'A CPU loads from CXL memory whose link is down: what does it get?',
  initial: 'allOnes',
  values: {
    allOnes: {
      title: 'all-ones',
      says: 'The load completes with all bits set, and the program goes on with them.',
      source: {
        file: 'Documentation/driver-api/cxl',
        fn: 'link down',
        version: 'CXL 3.x',
        evidence: 'memory',
        note: 'Platform dependent.',
      },
    },
    machineCheck: {
      title: 'a machine check',
      says: 'The load is poison, and consuming it is a machine check: SIGBUS, BUS_MCEERR_AR.',
      source: {
        file: 'arch/x86/kernel/cpu/mce/core.c',
        fn: 'do_machine_check',
        version: '6.12',
        evidence: 'memory',
        note: 'Platform dependent.',
      },
    },
  },
})
