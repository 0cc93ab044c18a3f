import { int, wide } from '../../arena'
import { at, both } from '../../machine'
import { untilFlushed } from '../arch/x86/mm/tlb'
import { ENOMEM } from '../include/errno'
import type { Kernel } from '../kernel'
import { operation } from '../operation'
import { untilNextPtl } from './locks'
import { finishRun, isolateRun, moveRun, remapRun, unmapRun } from './migrate-batch'

type Task = { readonly task: { readonly id: number } }

/** Address spaces, as what to wait for. */
const everyMm = (k: Kernel, { task }: Task) => k.mms.rows().map(({ id }) => ({ mm: id, task }))
const lockedMm = (k: Kernel, t: Task) =>
  everyMm(k, t).find((place) => !untilNextPtl.ready(k, place))
const deafMm = (k: Kernel, t: Task) => everyMm(k, t).find((place) => !untilFlushed.ready(k, place))

/** do_migrate_range() of §7.2 of the DAX sheet, O5: what is on a list goes to other memory. */
export const migrate_pages = operation({
  name: 'migrate_pages',
  does: 'Moves all pages of a range that are on LRU lists, as far as nobody else holds them.',
  source: {
    file: 'mm/migrate.c',
    fn: 'migrate_pages',
    version: '6.12',
    note: 'The kernel moves batches of 512 pages; here a run of like pages is one.',
  },
  leftOut:
    'Large folios, pages in the swap cache, and folio locks: those pages stay where they are. Ten retries are one.',
  params: { start: wide(), end: wide() },
  locals: { result: int() },
  entry: 'isolate',
  steps: {
    isolate: {
      does: 'Take the pages off their LRU lists; each gets a reference.',
      fn: 'do_migrate_range',
      run(k, t) {
        isolateRun(k, t, t.task.id)
        return 'unmap'
      },
    },
    unmap: {
      does: 'Replace every entry that maps one by a migration entry. A page that may be pinned keeps its entry.',
      fn: 'try_to_migrate',
      when: both(at(untilNextPtl, lockedMm), at(untilFlushed, deafMm)),
      run(k, t) {
        unmapRun(k, t, t.task.id)
        return 'move'
      },
    },
    move: {
      does: 'Whatever has no reference left but migration’s moves to new pages of another node: bytes, mapping, caches.',
      fn: '__migrate_folio',
      run(k, t) {
        t.result = moveRun(k, t, t.task.id) ? 0 : -ENOMEM
        return 'remap'
      },
    },
    remap: {
      does: 'Turn migration entries into entries of the new pages; of the old ones where a page stayed.',
      fn: 'remove_migration_ptes',
      run(k, t) {
        remapRun(k, t, t.task.id)
        return 'finish'
      },
    },
    finish: {
      does: 'The old pages are free. New ones, and those that failed, go on an LRU list.',
      fn: 'putback_movable_pages',
      run(k, t) {
        const failed = finishRun(k, t, t.task.id)
        return t.done(failed === 0 ? t.result : failed)
      },
    },
  },
})
