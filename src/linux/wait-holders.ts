import type { Holder } from '../machine'
import { FOLL } from './include/gup'
import type { Kernel } from './kernel'

type Handle = ReturnType<Kernel['pinHandles']['at']>
type Frame = ReturnType<Kernel['machine']['frames']>[number]

/** A task that lets go as it goes on in its call; 0: nobody. */
export const taskHolds = (task: number, by?: string): Holder[] =>
  task === 0 ? [] : [{ task, until: 'call', ...(by === undefined ? {} : { by }) }]

/** Something that lets go by itself, in its own time. */
export const hardwareHolds = (by: string): Holder[] => [{ task: 0, by, until: 'hardware' }]

/** Tasks that are inside something: one of their frames says so. */
export const insiders = (k: Kernel, isInside: (frame: Frame, task: number) => boolean): Holder[] =>
  k.tasks
    .rows()
    .filter(({ id }) => k.machine.frames(id).some((frame) => isInside(frame, id)))
    .flatMap(({ id }) => taskHolds(id))

/** True if an operation has done the step `from`, and not yet its last one. */
export function isBehind({ operation, step }: Frame, name: string, from: string): boolean {
  const { stepNumbers } = operation
  return operation.name === name && (stepNumbers.get(step.name) ?? 0) > (stepNumbers.get(from) ?? 0)
}

/** Tasks that have a page in hand: one of their calls is about it. */
export const atWorkOn = (k: Kernel, pfn: number, but: number): Holder[] =>
  insiders(k, ({ locals }, task) => task !== but && locals['pfn'] === pfn)

/** `FOLL_PIN|FOLL_LONGTERM, RDMA region`: a GUP handle, as sentences name it. */
export const handleName = ({ kind, flags, user }: Handle): string =>
  `FOLL_${kind}${(flags & FOLL.longterm) !== 0 ? '|FOLL_LONGTERM' : ''}${user === '' ? '' : `, ${user}`}`

/**
 * Who ends a pin: a call that is not over, a device, or for a long-term one its owner, who may never. One
 * that is still being taken may yet be given back, as a page that must stay movable is.
 */
function untilWhen(k: Kernel, { id, task, flags, state }: Handle): Holder['until'] {
  if (state === 'walking' && k.tasks.isLive(task)) return 'call'
  if ((flags & FOLL.longterm) !== 0) return 'owner'
  return k.tasks.isLive(task) && usesHandle(k, task, id) ? 'call' : 'hardware'
}

const usesHandle = (k: Kernel, task: number, handle: number): boolean =>
  k.machine.frames(task).some(({ locals }) => locals['handle'] === handle)

/** A GUP handle as a holder; of one whose thread has exited, no task is named. */
export const handleHolds = (k: Kernel, handle: Handle): Holder => ({
  task: k.tasks.isLive(handle.task) ? handle.task : 0,
  by: handleName(handle),
  until: untilWhen(k, handle),
})

/** GUP handles that have a page of [start, end). */
export const handlesIn = (k: Kernel, start: number, end: number): Handle[] =>
  k.pinHandles.rows().filter(({ id }) =>
    k.pinned
      .in(id)
      .runs()
      .some(({ pfn, length }) => pfn < end && start < pfn + length),
  )

/** Who has a reference of a page by GUP, or for a moment: everybody but `but`, who waits for it. */
export function pageHolders(k: Kernel, pfn: number, but: number): Holder[] {
  const pins = handlesIn(k, pfn, pfn + 1).map((handle) => handleHolds(k, handle))
  const isNew = ({ task }: Holder) => !pins.some((pin) => pin.task === task)
  return k.holders.has(pfn) ? [...pins, ...atWorkOn(k, pfn, but).filter(isNew)] : pins
}
