import { expect, it } from 'vitest'
import type { Kernel } from '../linux/kernel'
import type { Invariant } from '../machine'
import { type Mutation, play } from './mutate'
import type { TestKernel } from './test-kernel'

/** Tests that each property, in this order, holds in its schedule, and breaks there by a mistake. */
export function eachHasAMistake<K extends TestKernel>(
  properties: readonly Invariant<Kernel>[],
  mutations: readonly Mutation<K>[],
  usual: () => K,
): void {
  it('has a mistake that breaks it', () => {
    const broken = new Set(mutations.map(({ breaks }) => breaks.name))
    expect([...broken]).toEqual(properties.map(({ name }) => name))
  })

  it.each(mutations)('$breaks.name holds at every step without it', (mutation) => {
    expect(play(mutation, usual, false)).toEqual([])
  })

  it.each(mutations)('$breaks.name breaks where $mistake', (mutation) => {
    expect(play(mutation, usual, true).join('\n')).toContain(mutation.says)
  })
}
