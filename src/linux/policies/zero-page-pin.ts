import { policy } from '../../machine'

/** Whether FOLL_PIN counts on the zero page (pins sheet §3.5). */
export const zeroPagePin = policy({
  name: 'zeroPagePin',
  question: 'Is a FOLL_PIN of the zero page counted?',
  initial: 'notCounted',
  values: {
    counted: {
      title: 'yes (up to 6.4)',
      says: 'Like any page: its _refcount could overflow.',
      source: { file: 'mm/gup.c', fn: 'try_grab_folio', version: '6.4' },
    },
    notCounted: {
      title: 'no (6.5+)',
      says: 'The zero page is never counted by FOLL_PIN.',
      source: { file: 'mm/gup.c', fn: 'try_grab_folio', version: '6.12' },
    },
  },
})
