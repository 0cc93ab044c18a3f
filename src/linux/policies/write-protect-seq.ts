import { policy } from '../../machine'

/** Whether gup-fast notices a fork that runs beside it (pins sheet §3.3, W7). */
export const writeProtectSeq = policy({
  name: 'writeProtectSeq',
  question: 'Does gup-fast notice that fork write-protects entries meanwhile?',
  initial: 'on',
  values: {
    off: {
      title: 'no (up to 5.10.0)',
      says: 'A pin can slip in between the test of fork and its write protection.',
      source: { file: 'mm/gup.c', fn: 'internal_get_user_pages_fast', version: '5.10' },
    },
    on: {
      title: 'write_protect_seq (5.11+)',
      says: 'A sequence count that is odd during fork; a pin that overlapped is dropped, and taken the slow way.',
      source: { file: 'mm/gup.c', fn: 'gup_fast', version: '6.12' },
    },
  },
})
