import { ref, wide } from '../../../arena'
import { kernelLoad } from '../../arch/x86/mm/fault'
import { inSeries, notRunning, running, threadOf } from '../../arch/x86/mm/pkeys'
import { EIO } from '../../include/errno'
import { printk } from '../../kernel/printk'
import { kmapPage, kunmapPage } from '../../mm/highmem'
import { operation } from '../../operation'

/** A reader that can tell: a file system with checksums. */
export const pmemRead = operation({
  name: 'pmemRead',
  does: 'A file system reads a block through the pmem driver, and checks its checksum.',
  source: inSeries('drivers/nvdimm/pmem.c', 'pmem_do_read'),
  leftOut:
    'The bio, and the page that it is copied to. The checksum is that of the last write that was meant.',
  start: {
    label: 'Read the block and check it',
    on: ['direct_map'],
    by: 'admin',
    args: (_k, { key = 0 }) => ({ pfn: key }),
    refuse(k, { pfn }, task) {
      const isPmem = k.pages.has(pfn) && k.pages.at(pfn).pgmap !== 0
      if (k.kernelMappings.isFull) return 'Too many mappings are open.'
      return notRunning(k, task) ?? (isPmem ? undefined : 'This is no page of pmem.')
    },
  },
  params: { pfn: wide() },
  locals: { mapping: ref('kernel_mapping') },
  entry: 'open',
  steps: {
    open: {
      does: 'Open a window for the driver’s own access.',
      fn: 'pmem_do_read',
      when: running,
      run: (_k, t) => t.call(kmapPage, { pfn: t.pfn, by: 'pmem', global: 0 }, 'copy'),
    },
    copy: {
      does: 'Copy the block out.',
      fn: 'read_pmem',
      run(k, t) {
        const mapping = k.kernelMappings.find(({ id }) => id === t.ret)?.id ?? 0
        if (mapping === 0) return t.done(-EIO)
        t.mapping = mapping
        return t.call(kernelLoad, { pfn: t.pfn, value: 0, mapping }, 'close')
      },
    },
    close: {
      does: 'Close the window, unless the copy was an oops.',
      fn: 'pmem_do_read',
      run(k, t) {
        if (threadOf(k, t.task.id)?.dead === 1) return t.done(-EIO)
        return t.call(kunmapPage, { mapping: t.mapping }, 'check')
      },
    },
    check: {
      does: 'Compare the checksum: has this block changed since somebody wrote it who was to?',
      fn: 'bio_endio',
      run(k, t) {
        if (!k.unguarded.has(t.pfn) || k.unguarded.at(t.pfn).unmapped === 0) return t.done()
        k.unguarded.at(t.pfn).consumed = 1
        printk(k, `pmem0: checksum error, page 0x${t.pfn.toString(16)}`)
        return t.done(-EIO)
      },
    },
  },
})
