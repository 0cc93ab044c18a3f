import { policy } from '../../machine'

/** How FOLL_PIN counts in _refcount of a small page (pins sheet §1.2, §3.3). */
export const pinCount = policy({
  name: 'pinCount',
  question: 'What does a FOLL_PIN add to _refcount?',
  initial: 'twoSteps',
  values: {
    one: {
      title: '1, like any reference (up to 5.6)',
      says: 'A pin cannot be told from a plain reference.',
      source: { file: 'mm/gup.c', fn: 'get_user_pages_fast', version: '5.6' },
    },
    bias: {
      title: '1024 at once (5.7 to 5.13)',
      says: 'GUP_PIN_COUNTING_BIAS in one step.',
      source: { file: 'mm/gup.c', fn: 'try_grab_compound_head', version: '5.7' },
    },
    twoSteps: {
      title: '1, then 1023 (5.14+)',
      says: 'First a speculative reference, then the rest of the bias.',
      source: { file: 'mm/gup.c', fn: 'try_grab_folio_fast', version: '6.12' },
    },
  },
})
