import { afterEach, describe, expect, it, vi } from 'vitest'
import { UserError } from './output'
import { promelaCommand } from './promela'

afterEach(() => vi.restoreAllMocks())

describe('the command promela', () => {
  it('prints a model for SPIN', () => {
    const written: string[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.push(String(text))
      return true
    })
    const args = ['gup-fast-vs-remove', '--set', 'cpus=1', '--property', 'removeDoneMeansUnheld']
    expect(promelaCommand.run(args)).toBe(0)
    const text = written.join('')
    expect(text).toContain('Expected: it holds. 25 states, 38 transitions.')
    expect(text).toContain('d_step')
  })

  it.each([
    [['gup-fast-vs-remove'], 'about a property that must always hold: removeDoneMeansUnheld.'],
    [['nowhere', '--property', 'x'], 'There is no scenario "nowhere"'],
    [
      ['gup-fast-vs-remove', '--property', 'removeDoneMeansUnheld', '--max-states', '10'],
      'There are more than 10 states: too many for a model in Promela. With --max-states there may be',
    ],
  ])('answers what cannot be with a sentence: %j', (args, sentence) => {
    expect(() => promelaCommand.run(args)).toThrow(UserError)
    expect(() => promelaCommand.run(args)).toThrow(sentence)
  })
})
