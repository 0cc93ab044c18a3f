import { describe, expect, it } from 'vitest'
import { type TraceLine, traceLineNow } from '../machine'
import { scenarios } from '../scenarios'
import { openScenario } from '../scenarios/open'
import { mailTrace } from './mail-trace'
import { readLink, writeLink } from './permalink'

function trace(scenario: (typeof scenarios)[number]) {
  const opened = openScenario(scenario)
  if (typeof opened === 'string') throw new Error(opened)
  const { timeline, setup } = opened
  const lines: TraceLine[] = []
  for (let moment = 1; moment <= timeline.length; moment++) {
    timeline.seek(moment)
    lines.push(traceLineNow(timeline))
  }
  const choices = timeline.branch.choices
  const link = writeLink({
    scenario: scenario.name,
    preset: 'v6.12',
    policies: {},
    params: {},
    cursor: lines.length,
    choices,
  })
  return {
    text: mailTrace(
      timeline.kernel,
      { scenario: scenario.name, preset: 'v6.12', policies: setup.policies, link },
      lines,
    ),
    choices,
  }
}

describe('a trace for a mail', () => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    'of %s is ASCII, and fits 72 columns',
    (_, scenario) => {
      const { text } = trace(scenario)
      expect(text).toMatch(/^[\n\x20-\x7e]*$/)
      expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(72)
    },
  )

  it('has a column for each thread, the changed fields, and the claim that broke', () => {
    const [scenario] = scenarios
    if (scenario === undefined) throw new Error('no scenario')
    const { text } = trace(scenario)
    expect(text).toContain('pinhole 1  scenario the-driver-is-gone  kernel v6.12')
    expect(text).toMatch(/^ {2}# reader +root shell$/m)
    expect(text).toMatch(/^ {1}71 \. +percpu_ref_kill\(\)$/m)
    expect(text).toContain('       pgmaps[1].state: live -> dying')
    expect(text).toContain('! No present PTE maps a page whose pgmap is dead.')
  })

  it('ends with a link that reads back as the schedule, out of a quoted mail too', () => {
    const [scenario] = scenarios
    if (scenario === undefined) throw new Error('no scenario')
    const { text, choices } = trace(scenario)
    const link = text.slice(text.lastIndexOf('\n#')).replace(/^/gm, '> ')
    const read = readLink(link)
    expect(read.ok && read.value.choices).toEqual(choices)
  })
})
