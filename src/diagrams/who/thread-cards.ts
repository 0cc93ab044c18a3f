import { errnoName } from '../../linux/include/errno'
import type { Kernel } from '../../linux/kernel'
import { deviceName, listed } from '../scene/names'
import type { CardView } from '../shared/cards'
import { note, rest } from '../shared/rest'

/** Cards of the lane, as far as that is up to the threads. */
const MAX_LANE = 11

/** Threads without an address space: shells, kernel threads, and devices that nothing was given to. */
export function threadCards(k: Kernel, above: number): CardView[] {
  const most = Math.max(1, MAX_LANE - above)
  const named = new Set(k.pinHandles.rows().map((handle) => deviceName(k, handle)))
  const others = k.tasks
    .rows()
    .filter(({ id, mm, role, name }) => {
      if (mm !== 0 || role === 'zombie') return false
      return role !== 'device' || !named.has(name) || !k.machine.isIdle(id)
    })
    .sort((a, b) => Number(k.machine.isIdle(a.id)) - Number(k.machine.isIdle(b.id)) || a.id - b.id)
  const more = others.slice(most)
  const cards = others.slice(0, most).map((task) => threadCard(k, task))
  return more.length === 0
    ? cards
    : [...cards, note(rest.threads, `and ${listed(more.map(({ name }) => name))}`)]
}

function threadCard(
  k: Kernel,
  { id, name, ret, role }: ReturnType<Kernel['tasks']['at']>,
): CardView {
  const top = k.machine.frames(id)[0]
  const waits = k.machine.waiting(id) !== undefined
  const value = top === undefined ? idleText(ret) : (top.step.fn ?? top.operation.source.fn)
  return {
    target: { kind: 'task', id },
    title: name,
    side: role,
    tone: top === undefined ? 'quiet' : 'plain',
    rows: [{ kind: 'text', label: waits ? 'waits in' : top === undefined ? '' : 'next', value }],
  }
}

const idleText = (ret: number): string =>
  ret === 0 ? 'idle' : `idle, last returned ${errnoName(ret)}`
