import type { Holder } from '../../machine'
import type { Kernel } from '../kernel'
import { handleHolds, handleName, handlesIn, insiders } from '../wait-holders'
import { isUncounted } from './folio'
import { isLent, type Pgmap, pgmap_pfn_valid, putsEveryPage, rangesOf } from './memremap-ref'

/** True if the last put of a page drops a reference that the removal waits for. */
const awaitsPages = (k: Kernel, pgmap: Pgmap): boolean =>
  putsEveryPage(k, pgmap) || isLent(k, pgmap)

/** Pins that hold the removal up. */
const awaitedPins = (k: Kernel, pgmap: Pgmap) =>
  awaitsPages(k, pgmap)
    ? rangesOf(k, pgmap).flatMap(({ start, end }) => handlesIn(k, start, end))
    : []

/** Processes whose entries have pages that were handed out: they keep them as long as they like. */
const awaitedUsers = (k: Kernel, pgmap: Pgmap): Holder[] =>
  awaitsPages(k, pgmap) && pgmap.ops !== 0
    ? k.tasks
        .rows()
        .filter(({ mm, role }) => role === 'process' && mm !== 0 && usesPages(k, mm, pgmap))
        .map(({ id }) => ({ task: id, by: 'a page table entry', until: 'owner' }))
    : []

const usesPages = (k: Kernel, mm: number, pgmap: Pgmap): boolean =>
  k.ptes
    .in(mm)
    .runs()
    .some(
      ({ kind, flags, pfn, length }) =>
        kind !== 'swap' &&
        !isUncounted(flags) &&
        rangesOf(k, pgmap).some(({ start, end }) => pfn < end && start < pfn + length),
    )

/** What is awaited, with the pins behind it where pins are what holds it up. */
export function waitReason(k: Kernel, pgmap: Pgmap): string {
  const { ref: left } = pgmap
  const waits = `waits for pgmap->done: ${left} ${left === 1 ? 'reference is' : 'references are'} left`
  const pins = awaitedPins(k, pgmap).map((pin) => {
    const who = k.tasks.isLive(pin.task) ? k.tasks.at(pin.task).name : 'a process that has exited'
    return `${who} (${handleName(pin)})`
  })
  const users = awaitedUsers(k, pgmap).map(({ task }) => k.tasks.at(task).name)
  const pinned = pins.length === 0 ? '' : `; pages are pinned by ${pins.join(', ')}`
  const used = users.length === 0 ? '' : `; pages are in use by ${users.join(', ')}`
  return `${waits}${pinned}${used}`
}

/** Who has the references that are left: calls with a pgmap in hand, and the pages that count. */
export const refHolders = (k: Kernel, pgmap: Pgmap, but: number): Holder[] => [
  ...awaitedPins(k, pgmap).map((pin) => handleHolds(k, pin)),
  ...awaitedUsers(k, pgmap),
  ...insiders(k, ({ locals }, task) => task !== but && isAtWorkOn(k, locals, pgmap)),
]

/** A call has the pgmap in hand, or from where pages are awaited one of its pages. */
function isAtWorkOn(k: Kernel, locals: Readonly<Record<string, unknown>>, pgmap: Pgmap): boolean {
  if (locals['pgmap'] === pgmap.id) return true
  if (!awaitsPages(k, pgmap) || pgmap.ops === 0) return false
  return [locals['source'], locals['target']].some(
    (pfn) => typeof pfn === 'number' && pfn !== 0 && pgmap_pfn_valid(k, pgmap, pfn),
  )
}
