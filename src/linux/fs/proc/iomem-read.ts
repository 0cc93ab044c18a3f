import { int, ref } from '../../../arena'
import { effectiveCaps } from '../../include/capability'
import { ENOMEM } from '../../include/errno'
import { CAP } from '../../include/sched'
import { resourceReadable } from '../../kernel/resource-lock'
import { operation } from '../../operation'
import { iomemLines, proc_iomem } from './iomem'

const MAX_LINES = 100

/** What stands before each of several listings: no line has it. */
export const BEFORE_TREE = '\f'

/** `cat /proc/iomem`: open, read until there is nothing more. W3 of the iomem sheet. */
export const catIomem = operation({
  name: 'catIomem',
  does: 'Reads /proc/iomem, a buffer at a time.',
  source: { file: 'kernel/resource.c', fn: 'r_start', version: '6.12' },
  leftOut: 'The buffer of seq_file counts bytes (a page of them), here it counts lines.',
  start: {
    label: 'Read /proc/iomem',
    on: ['task'],
    by: 'admin',
    offered: (k) => k.iomemNodes.capacity > 0,
    args: () => ({ lines: 2 }),
    refuse(k, { lines }) {
      if (k.iomemListings.isFull) return 'This simulation has no room for another listing.'
      return lines >= 1 && lines <= MAX_LINES ? undefined : 'A buffer holds from 1 to 100 lines.'
    },
  },
  params: { lines: int() },
  locals: { listing: ref('iomem_listing'), filled: int() },
  entry: 'open',
  steps: {
    open: {
      does: 'Open the file. Whether addresses are shown depends on who opens it, not on who reads.',
      fn: 'seq_open',
      run(k, t) {
        const old = k.iomemListings.find(({ task }) => task === t.task.id)
        if (old !== undefined) k.iomemListings.free(old.id)
        const listing = k.iomemListings.alloc({ task: t.task.id, f_cred: effectiveCaps(t.task) })
        if (listing === undefined) return t.done(-ENOMEM)
        t.listing = listing.id
        return 'r_start'
      },
    },
    r_start: {
      does: 'read(): take resource_lock for reading, and find the node that is now at this position in pre-order.',
      fn: 'r_start',
      when: resourceReadable,
      run(k, t) {
        k.globals.resource_readers += 1
        const listing = k.iomemListings.at(t.listing)
        listing.trees += `${BEFORE_TREE}${proc_iomem(k, isTold(listing))}`
        t.filled = 0
        return 'r_show'
      },
    },
    r_show: {
      does: 'Print the next node. No more nodes, or no more room: stop.',
      fn: 'r_show',
      run(k, t) {
        const listing = k.iomemListings.at(t.listing)
        const line = iomemLines(k, isTold(listing))[listing.index]
        if (line === undefined || t.filled === t.lines) return 'r_stop'
        listing.text += line
        listing.index += 1
        t.filled += 1
        return 'r_show'
      },
    },
    r_stop: {
      does: 'Drop resource_lock: the tree may change before the next read(). Nothing was printed: that was the end.',
      fn: 'r_stop',
      run(k, t) {
        k.globals.resource_readers -= 1
        if (t.filled > 0) return 'r_start'
        k.iomemListings.at(t.listing).eof = 1
        return t.done(k.iomemListings.at(t.listing).index)
      },
    },
  },
})

/** file_ns_capable(): who opened the file without CAP_SYS_ADMIN gets zeros for addresses. */
const isTold = ({ f_cred }: { readonly f_cred: number }): boolean => (f_cred & CAP.sys_admin) !== 0
