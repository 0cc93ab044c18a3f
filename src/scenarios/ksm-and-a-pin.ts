import type { Kernel } from '../linux/kernel'
import { lru_add_drain_all } from '../linux/mm/swap'
import {
  areaAt,
  bootTwins,
  byteAt,
  counters,
  handleOf,
  mappedBy,
  pageName,
  pins,
  ruleOf,
  stores,
} from './memory-story'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootTwins(setup, 'app')
  lru_add_drain_all(k)
  return k
}

const looks = {
  who: 'ksmd',
  operation: 'cmp_and_merge_page',
  args: (k: Kernel) => ({ mm: 1, vpn: areaAt(k) }),
}
const isMerged = (k: Kernel): boolean => mappedBy(k, 'app') === mappedBy(k, 'twin', 'its')

/** [H] of the pins sheet, W16. */
export const ksmAndAPin: Scenario = {
  name: 'ksm-and-a-pin',
  title: 'KSM meets a pinned page',
  question:
    'ksmd finds two equal pages, one of which is under DMA. May it merge them? And once merged, who may write?',
  preset: 'v6.12',
  policies: ['cowReuse', 'ksmReuse'],
  params: {},
  simplified: [
    'Pages are equal if the two bytes that stand for them are; ksmd is sent to one page.',
  ],
  build,
  story: [
    {
      title: 'A device pins the page.',
      text: (_policies, k) =>
        `${pageName(mappedBy(k, 'app'))}: ${counters(k, mappedBy(k, 'app'))}. The twin’s page, ${pageName(mappedBy(k, 'twin', 'its'))}, is a KSM page with the same bytes.`,
      acts: [pins('app')],
    },
    {
      title: 'ksmd looks at it.',
      text: (_policies, k) =>
        isMerged(k)
          ? 'It was merged.'
          : 'With the entry cleared, ksmd counts: one entry, its own reference, no swap cache. _refcount says more, so somebody else is at the page: the entry is put back, nothing is merged.',
      acts: [looks],
    },
    {
      title: 'The device lets go, and ksmd comes again.',
      text: (_policies, k) =>
        isMerged(k)
          ? `Now the count is exact. The page is made read-only and is no longer exclusive, the bytes are compared, and the entry leads to the KSM page: ${counters(k, mappedBy(k, 'app'))}. The stable tree holds no reference of it.`
          : `Not merged: ${counters(k, mappedBy(k, 'app'))}.`,
      acts: [
        {
          who: 'app',
          operation: 'unpin_user_pages',
          args: (k) => ({ handle: handleOf(k, 'app') }),
        },
        looks,
      ],
    },
    {
      title: 'The process writes.',
      text: (policies, k) =>
        `${ruleOf(policies)}; a KSM page that others map is copied under every rule. The process is on ${pageName(mappedBy(k, 'app'))}, and the twin still reads ${byteAt(k, mappedBy(k, 'twin', 'its'))}.`,
      acts: [stores('app', 0x22)],
    },
  ],
}
