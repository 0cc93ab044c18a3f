import { policy } from '../../machine'

/** How O_DIRECT takes its pages (pins sheet §3.1). */
export const directIo = policy({
  name: 'directIo',
  question: 'How does O_DIRECT hold the pages of its buffer?',
  initial: 'pin',
  values: {
    get: {
      title: 'FOLL_GET (up to 6.4)',
      says: 'Plain references: fork cannot tell that the page is under DMA.',
      source: { file: 'lib/iov_iter.c', fn: 'iov_iter_get_pages2', version: '6.4' },
    },
    pin: {
      title: 'FOLL_PIN (6.5+)',
      says: 'Pins: fork copies the page for the child.',
      source: { file: 'lib/iov_iter.c', fn: 'iov_iter_extract_pages', version: '6.12' },
    },
  },
})
