import { expect } from 'vitest'
import { programsOf } from '../checker/programs'
import type { Kernel } from '../linux/kernel'
import type { Invariant } from '../machine'
import type { Act } from '../scenarios/scenario'
import { explored, type Found, type ThreadCalls } from './explored'
import type { SeededBug } from './seeded-bugs'

type Policies = Readonly<Record<string, string>>

/** A worked example of a sheet under the rules of a preset, before anybody has moved: its acts have no order. */
export type Example = (
  preset: string,
  policies?: Policies,
) => { readonly kernel: Kernel; readonly acts: readonly Act[] }

/** What each thread of an example calls, in its own order: acts that no story puts into one. */
const threadsOf = ({ acts }: ReturnType<Example>): ThreadCalls =>
  Object.fromEntries(programsOf([{ title: '', text: '', acts }]))

/** An example under the rules of a preset, as a machine to make a mistake in. */
export const machineOf = (
  example: Example,
  preset: string,
  policies: Policies = {},
): Pick<SeededBug<ReturnType<Example>>, 'boot' | 'threads'> => ({
  boot: () => example(preset, policies),
  threads: threadsOf,
})

const searched = (
  property: Invariant<Kernel>,
  example: Example,
  names: readonly string[],
  policies: Policies,
): Found[] =>
  names.map((name) => {
    const begun = example(name, policies)
    return explored(begun.kernel, threadsOf(begun), [property])
  })

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]

/**
 * Moves of a shortest schedule that breaks the property, for each preset: each length once, in the
 * order of the presets; undefined where no schedule does.
 */
export const brokenIn = (
  property: Invariant<Kernel>,
  example: Example,
  names: readonly string[],
  policies: Policies = {},
): (number | undefined)[] =>
  distinct(searched(property, example, names, policies).map(({ broken }) => broken[property.name]))

/** States in which the property holds, all that there are, for each preset: each count once. */
export const heldIn = (
  property: Invariant<Kernel>,
  example: Example,
  names: readonly string[],
  policies: Policies = {},
): number[] =>
  distinct(
    searched(property, example, names, policies).map(({ broken, states }) => {
      expect(broken).toEqual({})
      return states
    }),
  )
