import { policy } from '../../machine'

/** What fork does with a page that may be under DMA (pins sheet §2.5). */
export const forkCopy = policy({
  name: 'forkCopy',
  question:
    'Fork finds a page that may be pinned: does it share it, or copy it for the child at once?',
  initial: 'pinned',
  values: {
    share: {
      title: 'share (up to 5.8)',
      says: 'Every page is shared and write-protected, whoever holds it.',
      source: { file: 'mm/memory.c', fn: 'copy_one_pte', version: '5.8' },
    },
    pinned: {
      title: 'copy if maybe pinned (5.9+)',
      says: 'A page that may be pinned by this process is copied for the child; the parent keeps its own, writable.',
      source: { file: 'mm/memory.c', fn: 'copy_present_page', version: '6.12' },
    },
    gup: {
      title: 'copy if any GUP user has it (proposed)',
      says: 'As the full-accuracy series would need it: plain FOLL_GET references count as well.',
    },
  },
})
