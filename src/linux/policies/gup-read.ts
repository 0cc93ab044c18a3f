import { policy } from '../../machine'

/** What a GUP that only reads does about a page that is shared for COW (pins sheet §3.2). */
export const gupRead = policy({
  name: 'gupRead',
  question: 'A read-only GUP meets a page that is shared for COW: which page does it take?',
  initial: 'unshareFile',
  values: {
    asIs: {
      title: 'the shared page (up to 5.7, 5.9 to 5.18)',
      says: 'Whatever is mapped: a later COW may leave the GUP user on the wrong page.',
      source: { file: 'mm/gup.c', fn: 'follow_page_pte', version: '5.18' },
    },
    breakCow: {
      title: 'a private copy, always (5.8)',
      says: 'GUP breaks COW even for reads: FOLL_WRITE is forced for the fault.',
      source: { file: 'mm/gup.c', fn: 'should_force_cow_break', version: '5.8' },
    },
    unshare: {
      title: 'FOLL_PIN unshares first (5.19 to 6.1)',
      says: 'A pin of a page that is not exclusive takes an unshare fault, which may copy. FOLL_GET takes the shared page.',
      source: { file: 'mm/internal.h', fn: 'gup_must_unshare', version: '5.19' },
    },
    unshareFile: {
      title: 'and FOLL_LONGTERM of file and zero pages (6.2+)',
      says: 'As before, and long-term pins of file and zero pages in COW mappings are unshared as well.',
      source: { file: 'mm/internal.h', fn: 'gup_must_unshare', version: '6.12' },
    },
  },
})
