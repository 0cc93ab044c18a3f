import { expect, it } from 'vitest'
import { type Mistake, withMistake } from './mutate'
import { exploredPins, type MachineName } from './pins-machines'

/** A mistake, the machine in which every interleaving is looked at, and what it breaks there first. */
export interface Seeded extends Mistake {
  /** What the test is listed under. */
  readonly label: string
  readonly machine: MachineName
  readonly breaks: { readonly name: string }
  /** The length of a shortest schedule that breaks it. */
  readonly length: number
}

/** Tests that the checker finds each mistake in 6.12, and finds nothing without it. */
export function eachIsFound(seeded: readonly Seeded[]): void {
  it.each(seeded)('$label: $mistake', ({ machine, breaks, length, ...mistake }) => {
    expect(withMistake(mistake, () => exploredPins(machine, 'v6.12')).broken).toHaveProperty(
      breaks.name,
      length,
    )
    expect(exploredPins(machine, 'v6.12').broken).toEqual({})
  })
}
