import type { Kernel } from '../linux/kernel'
import { bootMemoryMachine } from './memory-machine'
import {
  areaAt,
  areaOf,
  counters,
  forks,
  mappedBy,
  pageName,
  ruleOf,
  seedBuffer,
  stores,
} from './memory-story'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootMemoryMachine(setup, {
    processes: [
      { comm: 'A', pid: 100, threads: ['A: unmapper'] },
      { comm: 'B', pid: 200 },
    ],
  })
  seedBuffer(k, 'A', 0xaa)
  return k
}

/** The page that A had first, and B gets. */
const RECYCLED = 0x12345

/** [E] of the pins sheet, W11. */
export const aStaleReference: Scenario = {
  name: 'a-stale-reference',
  title: 'A stale speculative reference makes somebody else copy',
  question:
    'gup-fast takes a reference of a page that has changed owner meanwhile. What does the new owner’s write fault make of it?',
  preset: 'v6.12',
  policies: ['cowReuse', 'tlbFlush'],
  params: {},
  starts: { tlbFlush: 'broadcast' },
  simplified: [
    'Needs a TLB flush without interrupts: with IPIs the unmap waits for gup-fast, and the page is never recycled under it.',
  ],
  build,
  freeFrom: 'B gets the page, forks, and its child exits.',
  story: [
    {
      title: 'A’s CPU reads an entry, and is held up.',
      text: (_policies, k) =>
        `Inside gup-fast, with interrupts off, it has read the entry of ${pageName(mappedBy(k, 'A'))} and not yet taken the reference.`,
      acts: [
        {
          who: 'A',
          operation: 'pin_user_pages_fast',
          args: (k) => ({ start: areaAt(k), pages: 1, write: 1 }),
          until: 'try_grab',
        },
      ],
    },
    {
      title: 'Another thread of A unmaps the page.',
      text: (policies, k) =>
        policies['tlbFlush'] === 'broadcast'
          ? `The flush is acknowledged without A’s CPU taking an interrupt, so ${pageName(RECYCLED)} is freed: ${counters(k, RECYCLED)}.`
          : `The flush waits for A’s CPU, which has interrupts off: ${pageName(RECYCLED)} cannot be freed yet. ${counters(k, RECYCLED)}.`,
      acts: [
        { who: 'A: unmapper', operation: 'do_munmap', args: (k) => ({ vma: areaOf(k, 'A') }) },
      ],
    },
    {
      title: 'B gets the page, forks, and its child exits.',
      text: (_policies, k) =>
        `B’s buffer is ${pageName(mappedBy(k, 'B', 'mine'))}, once shared and no longer: ${counters(k, mappedBy(k, 'B', 'mine'))}, read-only.`,
      acts: [
        { who: 'B', operation: 'mapAnonymous', args: () => ({ pages: 1, label: 'mine' }) },
        stores('B', 0xbb, 'mine'),
        { who: 'B', operation: 'lru_add_drain_cpu', args: (k) => ({ cpu: cpuOf(k, 'B') }) },
        forks('B', 'child'),
        { who: 'child', operation: 'do_exit' },
      ],
    },
    {
      title: 'A’s CPU takes its reference.',
      text: (_policies, k) =>
        `${pageName(RECYCLED)}: ${counters(k, RECYCLED)}. folio_maybe_dma_pinned() says yes, to everybody.`,
      acts: [{ who: 'A', until: 'recheck' }],
    },
    {
      title: 'B writes.',
      text: (policies, k) =>
        mappedBy(k, 'B', 'mine') === RECYCLED
          ? `${ruleOf(policies)}: the reference of a stranger does not matter, and B keeps its page.`
          : `${ruleOf(policies)}: B copies, to ${pageName(mappedBy(k, 'B', 'mine'))}. Needless, and with DMA attached to the old page it would be a loss; here it is only a copy.`,
      acts: [stores('B', 0xbc, 'mine')],
    },
    {
      title: 'A’s CPU looks again.',
      text: (_policies, k) =>
        `The entry is gone, so gup-fast takes back exactly what it added; if that was the last reference, this put frees the page. Now ${counters(k, RECYCLED)}.`,
      acts: [{ who: 'A' }, { who: 'A: unmapper' }],
    },
  ],
}

const cpuOf = (k: Kernel, who: string): number => k.tasks.find(({ name }) => name === who)?.id ?? 0
