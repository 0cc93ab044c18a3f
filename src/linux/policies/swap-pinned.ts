import { policy } from '../../machine'

/** Whether reclaim puts pinned pages into the swap cache (pins sheet §4.4). */
export const swapPinned = policy({
  name: 'swapPinned',
  question: 'Reclaim meets a page that may be pinned: does it unmap it?',
  initial: 'keep',
  values: {
    swap: {
      title: 'yes (up to 5.10)',
      says: 'The page goes into the swap cache and is unmapped; the swap cache gives the same page back.',
      source: { file: 'mm/vmscan.c', fn: 'shrink_page_list', version: '5.10' },
    },
    keep: {
      title: 'no (5.11+)',
      says: 'A page that may be pinned stays mapped. One that gup-fast pins behind the look is unmapped all the same, up to 5.18.',
      source: { file: 'mm/vmscan.c', fn: 'shrink_folio_list', version: '6.12' },
    },
  },
})
