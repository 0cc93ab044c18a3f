import { PTE, wrprotect } from '../linux/arch/x86/pgtable'
import type { Kernel } from '../linux/kernel'
import { isExclusive } from '../linux/mm/folio'
import { setExclusive } from '../linux/mm/rmap-anon'
import { lru_add_drain_all } from '../linux/mm/swap'
import {
  areaAt,
  bootTwins,
  counters,
  handleOf,
  mappedBy,
  pageName,
  pinnedPage,
} from './memory-story'
import type { Scenario, Setup } from './scenario'

/** The page is exclusive, and its entry read-only and clean, as a read fault from swap leaves it. */
function makeReadOnly(k: Kernel): void {
  const vpn = areaAt(k)
  const pte = k.ptes.in(1).at(vpn)
  pte.flags = wrprotect(pte.flags & ~(PTE.dirty | PTE.saved_dirty), false)
  for (const { id } of k.tasks.rows()) k.tlb.in(id).clear(vpn, vpn + 1)
  setExclusive(k, pte.pfn)
}

function build(setup: Setup): Kernel {
  const k = bootTwins(setup, 'pinner')
  makeReadOnly(k)
  lru_add_drain_all(k)
  return k
}

const pin = (k: Kernel): number => handleOf(k, 'pinner')
const exclusive = (k: Kernel): string => {
  const page = mappedBy(k, 'pinner')
  return page !== undefined && isExclusive(k, page) ? 'exclusive' : 'not exclusive'
}

/** W20 of the pins sheet: an ABA of page table entries. */
export const theIdenticalEntry: Scenario = {
  name: 'the-identical-entry',
  title: 'The entry is the same, and means something else (ABA)',
  question:
    'gup-fast looks at an entry twice and finds it unchanged. ksmd has taken it away and put the identical one back in between. Is the pin good?',
  preset: 'v6.12',
  policies: ['gupRead', 'tlbFlush', 'cowReuse'],
  params: {},
  starts: { tlbFlush: 'broadcast' },
  simplified: [
    'Needs a TLB flush without interrupts: with IPIs ksmd’s flush waits for the CPU inside gup-fast.',
    'The entry begins read-only and clean, as a read fault from swap would leave it.',
  ],
  build,
  story: [
    {
      title: 'A read-only pin reads the entry.',
      text: (_policies, k) =>
        `gup-fast, FOLL_PIN without FOLL_WRITE, has read the entry of ${pageName(mappedBy(k, 'pinner'))}, which is read-only and ${exclusive(k)}.`,
      acts: [
        {
          who: 'pinner',
          operation: 'pin_user_pages_fast',
          args: (k) => ({ start: areaAt(k), pages: 1, write: 0 }),
          until: 'try_grab',
        },
      ],
    },
    {
      title: 'ksmd clears the entry, and puts the identical one back.',
      text: (policies, k) =>
        policies['tlbFlush'] === 'ipi'
          ? 'With a flush by interrupt ksmd has to wait here for the CPU inside gup-fast: the race cannot happen.'
          : `In between it found nobody else at the page, and made it shareable: ${counters(k, mappedBy(k, 'pinner'))}, ${exclusive(k)}. The entry has the same 64 bits as before.`,
      acts: [
        {
          who: 'ksmd',
          operation: 'cmp_and_merge_page',
          args: (k) => ({ mm: 1, vpn: areaAt(k) }),
          until: 'compare',
        },
      ],
    },
    {
      title: 'gup-fast takes its reference, and looks again.',
      text: (policies, k) => {
        const page = pinnedPage(k, pin(k))
        return policies['gupRead'] === 'asIs' || policies['gupRead'] === 'breakCow'
          ? `The entry is the same, so the pin succeeds, on ${pageName(page)}, which ksmd is about to merge away: the second look alone is blind here.`
          : `The entry is the same, but the page is not exclusive any more: gup_must_unshare() says no, the reference goes back, and the slow way unshares. The pin is on ${pageName(page)}.`
      },
      acts: [{ who: 'pinner' }],
    },
    {
      title: 'ksmd goes on.',
      text: (_policies, k) =>
        pinnedPage(k, pin(k)) === mappedBy(k, 'pinner')
          ? 'Process and device are on the same page.'
          : `The process is on ${pageName(mappedBy(k, 'pinner'))} now, the device on ${pageName(pinnedPage(k, pin(k)))}.`,
      acts: [{ who: 'ksmd' }, { who: 'pinner' }],
    },
  ],
}
