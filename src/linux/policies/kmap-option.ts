import { policy } from '../../machine'

/** The four options of the RFC of 2020 (PKS sheet §4.6). */
export const kmapOption = policy({
  name: 'kmapOption',
  question: 'About 230 callers of kmap(), 20 to 30 of which share the pointer: who changes?',
  initial: 'kmapThread',
  values: {
    atomic: { title: '1: all to kmap_atomic()', says: 'About 209 calls; they may not sleep.' },
    flags: { title: '2: kmap() with flags', says: 'All 230 calls; each says if it is global.' },
    kmapGlobal: { title: '3: kmap_global()', says: '20 to 30 calls; kmap() is local.' },
    kmapThread: { title: '4: kmap_thread()', says: 'About 209 calls; kmap() is global. Chosen.' },
  },
})
