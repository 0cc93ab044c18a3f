import type { Finding } from '../../machine'
import type { Kernel } from '../kernel'
import { allEntries } from '../mm/entries'
import { always } from '../operation'

/** I8 of the pins sheet, §7.2. */
export const freeMeansUnreferenced = always({
  name: 'freeMeansUnreferenced',
  claim: 'Nothing names a free page: no entry, no TLB, no batch, no pin, no pipe.',
  sources: [{ file: 'mm/page_alloc.c', fn: 'free_unref_page', version: '6.12' }],
  broken(k) {
    const judge = (run: { pfn: number; length: number }, who: string): Finding | undefined => {
      const free = k.freePages.runs(run.pfn, run.pfn + run.length)[0]
      if (free === undefined) return undefined
      const says = `page 0x${free.start.toString(16)} is free, and ${who} still names it`
      return { table: 'pages', id: 0, key: free.start, says }
    }
    for (const { run, who } of namedPages(k)) {
      const finding = judge(run, who)
      if (finding !== undefined) return finding
    }
    return undefined
  },
})

interface Named {
  readonly run: { readonly pfn: number; readonly length: number }
  readonly who: string
}

function namedPages(k: Kernel): Named[] {
  const entries = allEntries(k).filter(({ run }) => run.kind === 'leaf')
  return [
    ...entries.map(({ mm, run }) => ({ run, who: `an entry of ${k.mms.at(mm).comm}` })),
    ...k.tasks.rows().flatMap(({ id, name }) => [
      ...k.tlb
        .in(id)
        .runs()
        .map((run) => ({ run, who: `the TLB of ${name}` })),
      ...k.lruAdd
        .in(id)
        .runs()
        .map((run) => ({ run, who: `the LRU batch of ${name}` })),
    ]),
    ...k.pinHandles.rows().flatMap(({ id }) =>
      k.pinned
        .in(id)
        .runs()
        .map((run) => ({ run, who: 'a pin' })),
    ),
    ...k.pipes.rows().flatMap(({ id, name }) =>
      k.pipeBuffers
        .in(id)
        .runs()
        .map((run) => ({ run, who: `pipe ${name}` })),
    ),
  ]
}
