import { policy } from '../../machine'

/** How vmsplice holds the pages that it puts into a pipe (pins sheet §6). */
export const vmsplice = policy({
  name: 'vmsplice',
  question: 'How does vmsplice hold the pages that it puts into a pipe?',
  initial: 'get',
  values: {
    get: {
      title: 'FOLL_GET for reading (as it is)',
      says: 'A plain reference of whatever is mapped, for as long as user space likes.',
      source: { file: 'fs/splice.c', fn: 'iter_to_pipe', version: '6.12' },
    },
    longterm: {
      title: 'FOLL_LONGTERM|FOLL_FORCE|FOLL_WRITE (as the mail asks)',
      says: 'COW is broken first, and the page leaves CMA and ZONE_MOVABLE: the pipe gets the caller’s private copy.',
    },
  },
})
