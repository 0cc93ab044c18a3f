import { describe, expect, it } from 'vitest'
import table from '../checker/verdict-table.json'
import { verdictsOf } from '../checker/verdicts'
import { scenarios } from '../scenarios'

const known: Readonly<Record<string, unknown>> = table

/**
 * Searches every nth scenario under every kernel again. Test files run side by side, and so share what
 * is the longest work of all tests.
 */
export function verdictTests(first: number, every: number): void {
  const share = scenarios.filter((_, i) => i % every === first)
  describe('the verdicts of the table, with their counts', () => {
    it.each(share.map((scenario) => [scenario.name, scenario] as const))(
      'are those of %s',
      (name, scenario) => {
        // As the file has it: JSON knows no undefined.
        expect(JSON.parse(JSON.stringify(verdictsOf(scenario)))).toEqual(known[name])
      },
      300_000,
    )
  })
}
