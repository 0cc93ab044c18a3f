import { policy } from '../../machine'

/** What mprotect does when it grants write access again (pins sheet §2.5, W15). */
export const mprotectUpgrade = policy({
  name: 'mprotectUpgrade',
  question: 'mprotect grants write access again: is the entry writable at once?',
  initial: 'exclusive',
  values: {
    fault: {
      title: 'no, at the next write fault (up to 5.19)',
      says: 'The entry stays read-only; the fault decides whether to reuse or copy.',
      source: { file: 'mm/mprotect.c', fn: 'change_pte_range', version: '5.18' },
    },
    exclusive: {
      title: 'yes, if the page is exclusive (6.0+)',
      says: 'An exclusive anonymous page becomes writable at once.',
      source: { file: 'mm/mprotect.c', fn: 'can_change_pte_writable', version: '6.12' },
    },
  },
})
