import type { Kernel } from '../linux/kernel'
import { bootMemoryMachine } from './memory-machine'
import {
  areaAt,
  areaOf,
  counters,
  forks,
  lastRead,
  mappedBy,
  pageName,
  ruleOf,
  seedBuffer,
  stores,
} from './memory-story'
import type { Scenario, Setup } from './scenario'

function build(setup: Setup): Kernel {
  const k = bootMemoryMachine(setup, {
    processes: [{ comm: 'parent', pid: 100 }],
    pipes: ['pipe'],
  })
  seedBuffer(k, 'parent', 0x50)
  return k
}

/** The page that the pipe’s oldest buffer holds. */
const spliced = (k: Kernel): number | undefined => k.pipeBuffers.in(1).runs()[0]?.pfn

/** [A] of the pins sheet, W4. */
export const vmspliceLeak: Scenario = {
  name: 'vmsplice-leak',
  title: 'The child reads the parent’s secret (CVE-2020-29374)',
  question:
    'A child puts a shared page into a pipe and unmaps it. The parent then writes a secret to its memory. Can the child read it out of the pipe?',
  preset: 'v6.12',
  policies: ['cowReuse', 'gupRead', 'vmsplice'],
  params: {},
  simplified: ['Two bytes stand for a page; the first is shown. The pipe takes one page.'],
  build,
  story: [
    {
      title: 'The parent forks.',
      text: (_policies, k) =>
        `Parent and child share ${pageName(mappedBy(k, 'parent'))}, read-only: ${counters(k, mappedBy(k, 'parent'))}. It holds 0x50, which both may know.`,
      acts: [forks('parent', 'child')],
    },
    {
      title: 'The child vmsplices the page into a pipe.',
      text: (policies, k) => {
        const page = spliced(k)
        const own = page !== mappedBy(k, 'parent')
        if (policies['vmsplice'] === 'longterm')
          return `As the mail asks, vmsplice pins with FOLL_LONGTERM|FOLL_FORCE|FOLL_WRITE: COW is broken first, and the pipe gets ${pageName(page)}, the child’s own.`
        return own
          ? `GUP broke COW although it only reads: the pipe holds ${pageName(page)}, the child’s own copy.`
          : `FOLL_GET takes the shared page, as it is mapped: ${counters(k, page)}. A pipe buffer is one reference like any other, and nothing limits how long it lives.`
      },
      acts: [
        {
          who: 'child',
          operation: 'vmsplice_to_pipe',
          args: (k) => ({ vpn: areaAt(k), pages: 1, pipe: 1 }),
        },
      ],
    },
    {
      title: 'The child unmaps its buffer.',
      text: (_policies, k) =>
        `The child’s entry is gone, the pipe’s reference stays: ${counters(k, mappedBy(k, 'parent'))} for the parent’s page.`,
      acts: [{ who: 'child', operation: 'do_munmap', args: (k) => ({ vma: areaOf(k, 'child') }) }],
    },
    {
      title: 'The parent writes a secret.',
      text: (policies, k) => {
        const page = mappedBy(k, 'parent')
        return page === spliced(k)
          ? `${ruleOf(policies)}: one entry is left, so the page is reused. The parent writes 0x53 into ${pageName(page)}, which the pipe still holds.`
          : `${ruleOf(policies)}: the parent writes 0x53 into ${pageName(page)}, and the pipe keeps ${pageName(spliced(k))}.`
      },
      acts: [stores('parent', 0x53)],
    },
    {
      title: 'The child reads its pipe.',
      text: (_policies, k) =>
        lastRead(k, 'child') === '0x53'
          ? 'The child reads 0x53: the secret, written after the fork. That is CVE-2020-29374.'
          : 'The child reads 0x50, what it could always read. No leak.',
      acts: [{ who: 'child', operation: 'pipe_read', args: () => ({ pipe: 1 }) }],
    },
  ],
}
