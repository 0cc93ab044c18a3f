import { policy } from '../../machine'

/** Review findings on the RFC of 2020 (PKS sheet §4.4). */
export const pksRestrict = policy({
  name: 'pksRestrict',
  question: 'A global window closes: who changes the cache of another CPU?',
  initial: 'balanced',
  values: {
    asPosted: {
      title: 'remotely, as posted',
      says: 'A plain remote store, and put_cpu_ptr() without get_cpu_ptr().',
    },
    balanced: { title: 'remotely, balanced', says: 'A plain remote store.' },
    onTheCpu: { title: 'the CPU itself', says: 'In its IPI handler. An idea; nobody posted it.' },
  },
})
