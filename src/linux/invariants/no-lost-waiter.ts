import { IORESOURCE } from '../include/ioport'
import type { Kernel } from '../kernel'
import { always } from '../operation'
import { whileAnyoneMoves } from './windows/at-work'

const MUXED_CLAIM = IORESOURCE.busy | IORESOURCE.muxed

/** I3 of the iomem sheet, §6: only when nobody can take a step. */
export const noLostWaiter = always({
  name: 'noLostWaiter',
  claim:
    'When nothing moves any more, whoever sleeps for a muxed region sleeps because somebody has it.',
  sources: [{ file: 'kernel/resource.c', fn: '__request_region_locked', version: '6.12' }],
  windows: [whileAnyoneMoves],
  broken(k: Kernel) {
    const asleep = k.muxedWaiters.rows().filter((waiter) => waiter.asleep === 1)
    if (asleep.length === 0) return undefined
    const lost = asleep.find(({ conflict }) => !isHeld(k, conflict))
    if (lost === undefined) return undefined
    const says = `${k.tasks.at(lost.task).name} sleeps for a region that nobody has`
    return { table: 'tasks', id: lost.task, says }
  },
})

const isHeld = (k: Kernel, node: number): boolean =>
  k.resources.isLive(node) && (k.resources.at(node).flags & MUXED_CLAIM) === MUXED_CLAIM
