import { flagsSet } from '../../arena'
import { PTE } from '../../linux/arch/x86/pgtable'
import type { Entry } from '../scene/entries'
import type { BitCell } from '../shared/cards'

/** Short names of the bits, in the order in which they are drawn. */
const PRESENT = [
  ['P', 'present'],
  ['RW', 'rw'],
  ['US', 'user'],
  ['A', 'accessed'],
  ['D', 'dirty'],
  ['PS', 'pse'],
  ['PN', 'protnone'],
  ['S', 'special'],
  ['SD', 'soft_dirty'],
  ['SVD', 'saved_dirty'],
  ['DEV', 'devmap'],
  ['NX', 'nx'],
] as const

/** What an entry that is not present can say besides what it names. */
const NOT_PRESENT = [
  ['P', 'present'],
  ['SD', 'soft_dirty'],
  ['EXCL', 'swp_exclusive'],
] as const

/** Says in full what the letters of the board do not. */
const LONG: Readonly<Record<string, string>> = {
  PN: 'PN (PROT_NONE)',
  SVD: 'SVD (saved dirty)',
  EXCL: 'EXCL (swap entry of an exclusive page)',
}

/** The bits of an entry, and which of them the last step changed. */
export function bitCells({ run }: Entry, before: unknown): BitCell[] {
  const set = new Set(flagsSet(PTE, run.flags))
  const had = before === undefined ? set : new Set(flagsSet(PTE, before as number))
  const drawn: readonly (readonly [string, (typeof PRESENT | typeof NOT_PRESENT)[number][1]])[] =
    run.kind === 'leaf' ? PRESENT : NOT_PRESENT
  return drawn.map(([name, flag]) => ({
    name,
    ...(LONG[name] === undefined ? {} : { says: LONG[name] }),
    // The engine keeps the flags of an entry that migration will put back; the hardware sees no P.
    on: set.has(flag) && (run.kind === 'leaf' || flag !== 'present'),
    changed: set.has(flag) !== had.has(flag),
  }))
}
