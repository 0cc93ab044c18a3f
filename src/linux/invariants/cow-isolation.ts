import type { Finding } from '../../machine'
import type { Kernel } from '../kernel'
import { allEntries } from '../mm/entries'
import { isAnon } from '../mm/folio'
import { handlesOf, pipeBuffersOf } from '../mm/labels'
import { always } from '../operation'

/** I2 of the pins sheet, §7.2; what a device writes for a process counts as that process’s store. */
export const cowIsolation = always({
  name: 'cowIsolation',
  claim:
    'After fork, a store of one process to its private memory changes no byte that another can read, by address or by a reference that it took.',
  sources: [{ file: 'mm/memory.c', fn: 'do_wp_page', version: '6.12' }],
  broken(k) {
    for (const { start, end, stored_by } of k.contents.runs()) {
      if (stored_by === 0) continue
      for (let pfn = start; pfn < end; pfn++) {
        const finding = seenByOthers(k, pfn, stored_by)
        if (finding !== undefined) return finding
      }
    }
    return undefined
  },
})

/** A child that has not run yet: until fork returns, what its parent stores is still shared. */
const isBeingForked = (k: Kernel, mm: number): boolean =>
  k.tasks.rows().some(({ id, depth }) => {
    if (depth === 0) return false
    const outermost = k.machine.frames(id).at(-1)
    return outermost?.operation.name === 'kernel_clone' && outermost.locals['child'] === mm
  })

const nameOf = (k: Kernel, mm: number): string =>
  k.mms.isLive(mm) ? k.mms.at(mm).comm : 'a process that has exited'

function seenByOthers(k: Kernel, pfn: number, writer: number): Finding | undefined {
  if (!k.pages.has(pfn) || k.pages.at(pfn).refcount === 0 || !isAnon(k, pfn)) return undefined
  const mapped = allEntries(k).find(
    ({ mm, run }) =>
      mm !== writer &&
      run.kind === 'leaf' &&
      run.pfn <= pfn &&
      pfn < run.pfn + run.length &&
      !isBeingForked(k, mm),
  )
  const found = (mm: number, how: string): Finding => ({
    table: 'pages',
    id: 0,
    key: pfn,
    says: `${nameOf(k, mm)} sees in page 0x${pfn.toString(16)} ${how} what ${nameOf(k, writer)} stored`,
  })
  if (mapped !== undefined) return found(mapped.mm, 'through its page table')
  const pipe = pipeBuffersOf(k, pfn).find(({ mm }) => mm !== writer)
  if (pipe !== undefined) return found(pipe.mm, `through pipe ${pipe.name}`)
  const handle = handlesOf(k, pfn).find(({ mm, state }) => mm !== writer && state === 'held')
  return handle === undefined ? undefined : found(handle.mm, 'through a reference that it took')
}
