import { policy } from '../../machine'

/** When may a write fault reuse the page instead of copying it (pins sheet §4.2)? */
export const cowReuse = policy({
  name: 'cowReuse',
  question: 'A write hits a read-only anonymous page: may it be reused, or must it be copied?',
  initial: 'exclusive',
  values: {
    mapcount: {
      title: '(i) mapcount (up to 5.7)',
      says: 'Reuse if one entry maps the page, swap entries counted. References of any other kind are not looked at.',
      source: { file: 'mm/swapfile.c', fn: 'reuse_swap_page', version: '5.7' },
    },
    pageCount: {
      title: '(ii) page_count == 1 (5.9 to 5.17)',
      says: 'Reuse if nobody at all holds another reference: whoever it is, for whatever reason.',
      source: { file: 'mm/memory.c', fn: 'do_wp_page', version: '5.9' },
    },
    streamlined: {
      title: '(ii’) page_count, less what can be dropped (5.18)',
      says: 'As (ii), after the local LRU batch was drained and the swap cache freed.',
      source: { file: 'mm/memory.c', fn: 'do_wp_page', version: '5.18' },
    },
    fullAccuracy: {
      title: '(iii) full accuracy (Andrea, not merged)',
      says: 'Back to (i), with KSM reuse: accurate for DMA, blind for vmsplice.',
    },
    labelled: {
      title: '(iv) labelled users (Jason, not merged)',
      says: 'Reuse if one entry maps the page and no process-incoherent user has it. DMA and speculation do not count.',
    },
    exclusive: {
      title: '(v) PageAnonExclusive (5.19+)',
      says: 'A bit on the page remembers that it belongs to one process alone: then reuse. Without it, as (ii’).',
      source: { file: 'mm/memory.c', fn: 'do_wp_page', version: '6.12' },
    },
    exclusiveLarge: {
      title: '(v+) and PTE-mapped large folios (6.15+)',
      says: 'As (v); a large folio is reused as well if all its references are entries of this process.',
      source: { file: 'mm/memory.c', fn: 'wp_can_reuse_anon_folio', version: '6.15' },
    },
    linus: {
      title: '(vi) Linus’ sketch (not merged)',
      says: 'As (ii), and a writable page with more than one reference is never write-protected nor swapped.',
    },
  },
})
