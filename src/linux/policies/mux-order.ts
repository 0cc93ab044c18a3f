import { policy } from '../../machine'

/** W2 of the iomem sheet. */
export const muxOrder = policy({
  name: 'muxOrder',
  question: 'Who waits for a muxed region: when does it say that it sleeps?',
  initial: 'fixed',
  values: {
    buggy: {
      title: 'after the lock is dropped',
      says: 'A release between unlock and set_current_state() wakes nobody: the wake-up is lost.',
      source: {
        file: 'kernel/resource.c',
        fn: '__request_region_locked',
        version: '6.1',
        note: 'Which release fixed it first is not known; 6.1 has the bug, 6.12 has not.',
      },
    },
    fixed: {
      title: 'before the lock is dropped',
      says: 'A release that comes in between makes the task runnable again, and schedule() returns at once.',
      source: { file: 'kernel/resource.c', fn: '__request_region_locked', version: '6.12' },
    },
  },
})
