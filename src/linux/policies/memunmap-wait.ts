import { policy } from '../../machine'

/** What memunmap_pages waits for before the struct pages go (dax sheet §1.5). */
export const memunmapWait = policy({
  name: 'memunmapWait',
  question: 'What does the removal of struct pages wait for?',
  initial: 'pgmapOnly',
  values: {
    afterwards: {
      title: 'for page pins, but too late (up to 5.1)',
      says: 'The memory map is freed first, and the wait comes after it: a busy page is freed under its user.',
      source: { file: 'kernel/memremap.c', fn: 'devm_memremap_pages_release', version: '5.1' },
    },
    pagePins: {
      title: 'for page pins (5.2 to 5.17)',
      says: 'Every page gives its reference back, and the last put of a pinned page drops the pgmap reference that is awaited.',
      source: { file: 'mm/memremap.c', fn: 'memunmap_pages', version: '5.10' },
    },
    pgmapOnly: {
      title: 'for pgmap references alone (5.18+)',
      says: 'Page references are not looked at: a pin that lives on finds its struct page gone.',
      source: {
        file: 'mm/memremap.c',
        fn: 'memunmap_pages',
        version: '6.12',
        evidence: 'recorded',
        note: 'Recorded on 6.12, of a long-term pin on device-dax; for other versions and short pins it is a reading of the code.',
      },
    },
  },
})
