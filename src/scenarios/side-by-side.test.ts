import { describe, expect, it } from 'vitest'
import { presets } from '../linux/presets'
import { scenarios } from '.'
import { headingOf, joined, KERNELS, type Outcome, outcomeOf, variantsOf } from './side-by-side'

function compare(name: string, axis: string): Outcome[] {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
  return variantsOf(axis, { preset: scenario.preset }).reduce<Outcome[]>((known, variant) => {
    const outcome = outcomeOf(scenario, variant)
    if (typeof outcome === 'string') throw new Error(outcome)
    return joined(known, outcome)
  }, [])
}

describe('a story side by side', () => {
  it('has a column for each value of a policy, with what is told and what breaks', () => {
    const outcomes = compare('rdma-outlives-the-card', 'longtermRevoke')
    expect(outcomes).toHaveLength(2)
    const [as, revoked] = outcomes
    expect(as?.told['Root unbinds the device.']).toContain('unbind returns 0')
    expect(as?.broken.length).toBeGreaterThan(0)
    expect(revoked?.told['Root unbinds the device.']).toContain('revoked')
    expect(revoked?.broken).toEqual([])
  })

  it('joins kernels under which the story goes the same, and names the first and the last', () => {
    const headings = compare('rdma-outlives-the-card', KERNELS).map(headingOf)
    expect(headings.length).toBeLessThan(presets.length / 2)
    expect(headings.some((heading) => heading.includes(' to '))).toBe(true)
  })

  it('says that a passage does not happen, where it does not', () => {
    const [without, ...others] = compare('rdma-outlives-the-card', 'memunmapWait')
    const title = 'The card is replaced.'
    const has = [without, ...others].map((outcome) => title in (outcome?.told ?? {}))
    expect(new Set(has)).toEqual(new Set([true, false]))
  })
})
