import { policy } from '../../machine'

/** memremap.pks_fault_mode of v7 and v10. */
export const pksFault = policy({
  name: 'pksFault',
  question: 'The kernel touches protected pmem without a window: what then?',
  initial: 'relaxed',
  values: {
    relaxed: { title: 'warn (relaxed)', says: 'Warn once, give access, go on.' },
    strict: { title: 'oops (strict)', says: 'Not handled: an oops.' },
  },
})
