import type { Kernel } from '../linux/kernel'
import type { Invariant } from '../machine'
import type { Found } from './explored'

/** What §8 of the DAX sheet calls the properties; the rest of the list has no label there. */
export const LABELS: Readonly<Record<string, string>> = {
  noPteToDeadPgmap: 'S1',
  dmaKeepsOwner: 'S2',
  noPinWithoutPage: 'S3',
  dmaKeepsDevice: 'S4',
  entryMatchesFile: 'S5',
  entryMadeUnderLocks: 'S6',
  leaseCountsUsers: 'S7',
  noLoadFromNowhere: 'S8',
  onlineMeansDecoded: 'S9',
  claimsNeverOverlap: 'S10',
  noFreedBlockHeld: 'S11',
  removeReturns: 'L1',
  truncateReturns: 'L2',
  gupReturns: 'L3',
  offlineReturns: 'L4',
  noDeadlock: 'L5',
  evictionReturns: 'L6',
}

/** The verdict where every property holds. */
const NOTHING = 'nothing'

/** The properties of a list that the sheet has a label for. */
export const labelled = (invariants: readonly Invariant<Kernel>[]): readonly Invariant<Kernel>[] =>
  invariants.filter(({ name }) => LABELS[name] !== undefined)

/** `S2 17, S11 15`: what is broken, each with the length of a shortest schedule, in the order of the sheet; or `nothing`. */
export const verdictOf = ({ broken }: Found): string =>
  Object.entries(LABELS)
    .filter(([name]) => broken[name] !== undefined)
    .map(([name, label]) => `${label} ${broken[name]}`)
    .join(', ') || NOTHING

/** By label, the examples whose rows break it. */
export function columnOf(
  rows: readonly (readonly [example: string, on: string, breaks: string, ...rest: unknown[]])[],
): Readonly<Record<string, string>> {
  const column: Record<string, Set<string>> = {}
  for (const [example, , breaks] of rows)
    for (const cell of breaks === NOTHING ? [] : breaks.split(', ')) {
      const [label = ''] = cell.split(' ')
      column[label] = (column[label] ?? new Set()).add(example)
    }
  return Object.fromEntries(
    Object.entries(column).map(([label, examples]) => [label, [...examples].join(' ')]),
  )
}
