import { policy } from '../../machine'

/** How FOLL_FORCE|FOLL_WRITE knows that COW is broken (pins sheet §3.2). */
export const gupForce = policy({
  name: 'gupForce',
  question: 'FOLL_FORCE writes through a read-only entry: when is the page its own?',
  initial: 'exclusive',
  values: {
    follCow: {
      title: 'FOLL_COW and a dirty entry (4.9 to 5.19)',
      says: 'The call remembers that it broke COW, and trusts a dirty entry.',
      source: { file: 'mm/gup.c', fn: 'can_follow_write_pte', version: '5.19' },
    },
    exclusive: {
      title: 'an exclusive anonymous page (6.0+)',
      says: 'PageAnonExclusive says so.',
      source: { file: 'mm/gup.c', fn: 'can_follow_write_pte', version: '6.12' },
    },
  },
})
