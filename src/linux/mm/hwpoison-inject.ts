import { int, wide } from '../../arena'
import { operation } from '../operation'
import { isZoneDevice } from './folio'
import { memory_failure } from './memory-failure'

const isFlag = (value: number): boolean => value === 0 || value === 1

/** What the hardware does to a page, and who notices first. */
export const injectPoison = operation({
  name: 'injectPoison',
  does: 'A line of memory goes bad. The patrol scrubber finds it at once, or nobody does until a CPU reads it.',
  source: {
    file: 'mm/hwpoison-inject.c',
    fn: 'hwpoison_inject',
    version: '6.12',
    note: 'The file’s own hook injects in software; here the memory really is bad.',
  },
  leftOut:
    'Corrected errors; poison within a page: here a page is good or bad; errors found by DMA, by stores, or by the kernel’s own copies.',
  start: {
    label: 'Lose this page (uncorrectable memory error)',
    on: ['page'],
    by: 'admin',
    args: (_k, { key }) => ({ pfn: key ?? 0, found: 1, recorded: 0 }),
    refuse(k, { pfn, found, recorded }) {
      if (!k.pages.has(pfn)) return 'There is no such page.'
      if (!isFlag(found) || !isFlag(recorded)) return 'Found and recorded are 1 or 0.'
      return recorded === 1 && !isZoneDevice(k, pfn)
        ? 'Only persistent memory has a list of bad blocks.'
        : undefined
    },
  },
  params: { pfn: wide(), found: int(), recorded: int() },
  entry: 'error',
  steps: {
    error: {
      does: 'The error: whoever reads the page from now on gets a machine check. The platform may record the block as bad.',
      fn: 'nfit_handle_mce',
      source: {
        file: 'drivers/acpi/nfit/mce.c',
        fn: 'nfit_handle_mce',
        version: '6.12',
        evidence: 'memory',
      },
      run(k, t) {
        if (!k.contents.has(t.pfn)) k.contents.fill(t.pfn, t.pfn + 1, {})
        k.contents.at(t.pfn).poisoned = 1
        if (t.recorded === 1) k.badblocks.fill(t.pfn, t.pfn + 1, {})
        return t.found === 1 ? 'failure' : t.done()
      },
    },
    failure: {
      does: 'The scrubber reports it: nobody has consumed it, so action is optional.',
      fn: 'memory_failure_queue',
      run: (_k, t) => t.call(memory_failure, { pfn: t.pfn, flags: 0 }, 'done'),
    },
    done: {
      does: 'Return what came of it.',
      run: (_k, t) => t.done(t.ret),
    },
  },
})
