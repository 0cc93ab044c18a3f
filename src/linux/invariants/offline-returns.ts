import type { Finding } from '../../machine'
import { FOLL } from '../include/gup'
import type { Kernel } from '../kernel'
import { signal_pending } from '../kernel/signal'
import { handlesOf, pipeBuffersOf } from '../mm/labels'
import { type Blocks, stuckPage, untilSomethingMoves } from '../mm/memory-blocks'
import { alwaysByTask } from '../operation'

/** L4 of the DAX sheet, §8.2: pins are finite, but long-term pins are not. */
export const offlineReturns = alwaysByTask({
  name: 'offlineReturns',
  claim:
    'offline_pages() waits only for what will be let go: for no long-term pin, and not for nobody.',
  sources: [{ file: 'mm/memory_hotplug.c', fn: 'offline_pages', version: '6.12' }],
  when: (k) => k.hotplug.capacity > 0,
  byTask(k, id) {
    if (k.machine.stepName(id) !== 'offline_pages.again') return undefined
    const locals = k.machine.frames(id)[0]?.locals
    const blocks = { block: Number(locals?.['block']), blocks: Number(locals?.['blocks']) }
    if (untilSomethingMoves.ready(k, { ...blocks, task: { id } })) return undefined
    return signal_pending(k, id) ? undefined : judge(k, id, blocks)
  },
})

function judge(k: Kernel, task: number, blocks: Blocks): Finding | undefined {
  const stuck = stuckPage(k, blocks)
  if (stuck === undefined) return undefined
  const pfn = stuck.start
  const handles = handlesOf(k, pfn)
  const { name } = k.tasks.at(task)
  const page = `page 0x${pfn.toString(16)}`
  const at = (says: string): Finding => ({ table: 'tasks', id: task, says })
  if (handles.some(({ flags, state }) => state === 'held' && (flags & FOLL.longterm) !== 0))
    return at(`${name} tries to move ${page}, which is pinned for long`)
  const isHeld = handles.length > 0 || pipeBuffersOf(k, pfn).length > 0 || isAtWork(k, pfn)
  return isHeld ? undefined : at(`${name} tries to move ${page}, which nobody will ever free`)
}

/** Somebody has the page for a moment. `alloc` alone is the kernel’s own page. */
function isAtWork(k: Kernel, pfn: number): boolean {
  if (!k.holders.has(pfn)) return false
  const { tmp, pin, get, zap, iso, ksmd, locker, try: speculative } = k.holders.at(pfn)
  return tmp + speculative + pin + get + zap + iso + ksmd + locker > 0
}
