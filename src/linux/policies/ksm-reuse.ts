import { policy } from '../../machine'

/** Whether a write fault may reuse a KSM page (pins sheet §4.2, S14). */
export const ksmReuse = policy({
  name: 'ksmReuse',
  question: 'A write hits a KSM page that one entry maps: may it be reused?',
  initial: 'copy',
  values: {
    copy: {
      title: 'never (up to 5.0, 5.9+)',
      says: 'The stable tree may hand the page out at any time: it is copied.',
      source: { file: 'mm/memory.c', fn: 'do_wp_page', version: '6.12' },
    },
    freeze: {
      title: 'yes, if its count can be frozen at 1 (5.1 to 5.8)',
      says: 'reuse_ksm_page() freezes _refcount from 1 to 0 and back: while it is 0 nobody can take the page.',
      source: { file: 'mm/ksm.c', fn: 'reuse_ksm_page', version: '5.8' },
    },
  },
})
