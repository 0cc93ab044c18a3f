import { policy } from '../../machine'

/** Where x86 keeps the dirty bit of a read-only entry (pins sheet §2.2). */
export const savedDirty = policy({
  name: 'savedDirty',
  question: 'Where is the dirty bit of an entry that is read-only?',
  initial: 'on',
  values: {
    off: {
      title: 'in D (up to 6.5)',
      says: 'RW=0 with D=1 was an ordinary entry.',
      source: { file: 'arch/x86/include/asm/pgtable.h', fn: 'pte_wrprotect', version: '6.5' },
    },
    on: {
      title: 'in SavedDirty (6.6+)',
      says: 'RW=0 with D=1 means a shadow stack: D moves to bit 58.',
      source: { file: 'arch/x86/include/asm/pgtable.h', fn: 'pte_wrprotect', version: '6.12' },
    },
  },
})
