import { describe, expect, it } from 'vitest'
import { scenarios } from '../../scenarios'
import { setupTitle, underTwoSetups } from '../../scenarios/two-setups'
import { diffOfTraces } from './two-traces'

function diffOf(name: string, left: string, right: string): string {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(name)
  const [a, b] = [{ preset: left }, { preset: right }]
  const played = underTwoSetups(scenario, a, b)
  if (typeof played === 'string') throw new Error(played)
  return diffOfTraces({
    ...played,
    a: { title: setupTitle(scenario, a), kernel: played.a.kernel },
    b: { title: setupTitle(scenario, b), kernel: played.b.kernel },
  })
}

describe('two traces as a unified diff', () => {
  it.each([
    ['the-driver-is-gone', 'v5.9', 'v6.12'],
    ['unbind-with-rmapbt', 'v5.9', 'v6.15'],
    ['truncate-under-dma', 'v4.14', 'v6.12'],
    ['half-a-bar', 'v5.7', 'v5.12'],
    ['fork-races-a-pin', 'v5.9', 'v6.12'],
  ])('of %s under %s and %s is ASCII, and fits 72 columns', (name, a, b) => {
    const text = diffOf(name, a, b)
    expect(text).toMatch(/^[\n\x20-\x7e]*$/)
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(72)
    expect(text.startsWith(`--- a/${a}\n+++ b/${b}\n@@ -1,`)).toBe(true)
  })

  it('shows what one kernel does and the other does not, between steps that are equal', () => {
    const text = diffOf('the-driver-is-gone', 'v5.9', 'v6.12')
    expect(text).toContain(
      [
        '@@ -108,6 +108,7 @@ step 47 | step 47',
        '     .                             nd_pmem_remove()',
        '     .                             dax_remove_host()',
        '     .                             dax_holder_notify_failure()',
        '+    .                             xfs_dax_notify_failure()',
        '     .                             kill_dax()',
      ].join('\n'),
    )
  })

  it('shows in what the sides differ before the first step', () => {
    const text = diffOf('the-driver-is-gone', 'v5.9', 'v6.12')
    expect(text).toContain('-    pgmaps[1].ops: {}\n+    pgmaps[1].ops: {memory_failure}')
  })

  it('is nothing where both sides are the same', () => {
    expect(diffOf('gup-fast-vs-remove', 'v5.9', 'v6.12')).toBe('')
  })
})
