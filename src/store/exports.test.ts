import { beforeEach, describe, expect, it } from 'vitest'
import { readSchedule } from '../formats/traces/choices'
import { scenarios } from '../scenarios'
import { mailText, promelaFile, scheduleFile } from './exports'
import { openScenarioWith, seek } from './session'
import { getState, setState } from './store'

const named = (name: string) => {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(name)
  return scenario
}

beforeEach(() => {
  setState({ scenarios })
  openScenarioWith(named('unlink-while-pinned'))
})

describe('what can be saved', () => {
  it('is the schedule, as the terminal reads it', () => {
    const { name, text } = scheduleFile()
    expect(name).toBe('unlink-while-pinned.json')
    const read = readSchedule(text)
    expect(read.ok && read.value).toMatchObject({
      scenario: 'unlink-while-pinned',
      schedule: getState().opened.timeline.branch.choices,
    })
  })

  it('is the trace up to the moment that is shown, in plain text that fits a mail', () => {
    seek(12)
    const made = mailText('https://example.org/')
    if (typeof made === 'string') throw new Error(made)
    const lines = made.text.split('\n')
    expect(lines.filter((line) => line.length > 72 && !line.includes('#'))).toEqual([])
    expect(made.text).toContain('https://example.org/#')
    expect(getState().opened.timeline.cursor).toBe(12)
  })

  it('is a property as a model for SPIN', () => {
    const made = promelaFile(named('unlink-while-pinned'), {}, 'dmaKeepsOwner')
    if (typeof made === 'string') throw new Error(made)
    expect(made.name).toBe('unlink-while-pinned.dmaKeepsOwner.pml')
    expect(made.text).toContain('Moves of a shortest schedule: 44')
    expect(made.text).toContain('d_step')
  })

  it.each(['truncateWaits', 'nothing'])(
    'is nothing, with a sentence that names what could be, of %s',
    (property) => {
      expect(promelaFile(named('unlink-while-pinned'), {}, property)).toMatch(
        /^A model in Promela is about a property that must always hold: .*dmaKeepsOwner.*\.$/,
      )
    },
  )

  it('is no model that is too large for the page', () => {
    expect(promelaFile(named('who-hears-of-it'), {}, 'conservation')).toContain('too many')
  })
})
