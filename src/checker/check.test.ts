import { describe, expect, it } from 'vitest'
import { scenarios } from '../scenarios'
import { openScenario } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { Check, type Question } from './check'

const named = (name: string): Scenario => {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(name)
  return scenario
}

function asked(name: string, question: Question = {}): Check {
  const check = Check.of(named(name), question)
  if (typeof check === 'string') throw new Error(check)
  check.advance(() => false)
  return check
}

describe('a counterexample', () => {
  it.each([
    ['the-driver-is-gone', {}],
    ['gup-fast-and-zap', {}],
    ['truncate-under-dma', {}],
    ['unlink-while-pinned', {}],
    ['fork-races-a-pin', {}],
    ['half-a-bar', {}],
    ['hot-add-during-boot', {}],
    ['pks-global-hole', {}],
    ['gup-fast-vs-remove', { policies: { removalZap: 'leave' } }],
  ] as const)('of %s breaks its property at its last step, and not before', (name, question) => {
    const check = asked(name, { ...question, everything: true })
    const broken = check.answer().properties.filter(({ verdict }) => verdict === 'broken')
    expect(broken.length).toBeGreaterThan(0)
    for (const { name: property, depth, says } of broken) {
      const example = check.example(property, 3)
      for (const { choices } of example?.schedules ?? []) {
        const opened = openScenario(named(name), question)
        if (typeof opened === 'string') throw new Error(opened)
        opened.timeline.load(choices)
        expect(opened.timeline.seek(choices.length)).toBeUndefined()
        const standing = opened.timeline
          .standings()
          .find(({ invariant }) => invariant.name === property)
        expect(standing?.since).toBe(depth)
        expect(choices.length).toBe(depth)
        expect(standing?.finding?.says).toBeTruthy()
      }
      expect(says).toBeTruthy()
    }
  })

  it('has as few switches of threads as any that is as short', () => {
    const { count, schedules } = asked('fork-races-a-pin').example('gupFastSeesFork', 5) ?? {
      count: 0,
      schedules: [],
    }
    expect(count).toBe(3003)
    const switches = schedules.map((schedule) => schedule.switches)
    expect(switches).toEqual([...switches].sort((a, b) => a - b))
    expect(switches[0]).toBe(1)
  })
})

describe('a question', () => {
  it('stops at the first level that breaks a property, and goes on where everything is asked', () => {
    const first = asked('the-driver-is-gone').answer()
    const all = asked('the-driver-is-gone', { everything: true }).answer()
    expect(first.verdict).toBe('broken')
    expect(first.limit).toBeUndefined()
    expect(first.states).toBeLessThan(all.states)
    const verdicts = (answer: typeof first) =>
      Object.fromEntries(answer.properties.map(({ name, verdict }) => [name, verdict]))
    expect(verdicts(first)['noPteToDeadPgmap']).toBe('broken')
    expect(verdicts(first)['entryMatchesFile']).toBe('open')
    expect(verdicts(all)['entryMatchesFile']).toBe('broken')
  })

  it('may name the properties', () => {
    const { properties, verdict } = asked('the-driver-is-gone', {
      properties: ['entryMatchesFile'],
    }).answer()
    expect(properties.map(({ name, depth }) => [name, depth])).toEqual([['entryMatchesFile', 36]])
    expect(verdict).toBe('broken')
  })

  it('may begin at a moment: what is done is done, and what is to be called is called', () => {
    const opened = openScenario(named('the-driver-is-gone'))
    if (typeof opened === 'string') throw new Error(opened)
    const { choices } = opened.timeline.branch
    const moment = opened.passages[1]?.from ?? 0
    const whole = asked('the-driver-is-gone')
    const check = asked('the-driver-is-gone', { from: { choices, moment } })
    const answer = check.answer()
    expect(answer.verdict).toBe('broken')
    expect(answer.states).toBeLessThan(whole.answer().states)
    const [schedule] = check.example('noPteToDeadPgmap')?.schedules ?? []
    expect(schedule?.choices.slice(0, moment)).toEqual(choices.slice(0, moment))
    opened.timeline.load(schedule?.choices ?? [])
    opened.timeline.seek(Number.MAX_SAFE_INTEGER)
    expect(
      opened.timeline.standings().find(({ invariant }) => invariant.name === 'noPteToDeadPgmap')
        ?.since,
    ).toBe(schedule?.choices.length)
  })

  it.each([
    [{ maxStates: 1000 }, 'states'],
    [{ maxBytes: 300_000 }, 'memory'],
  ] as const)('that is limited to %j says so', (limits, limit) => {
    const answer = asked('who-hears-of-it', limits).answer()
    expect(answer).toMatchObject({ verdict: 'limit', limit })
    expect(answer.properties.some(({ verdict }) => verdict === 'open')).toBe(true)
    expect(answer.properties.every(({ verdict }) => verdict !== 'holds')).toBe(true)
  })

  it('that is stopped keeps what it found', () => {
    const check = Check.of(named('who-hears-of-it'), {})
    if (typeof check === 'string') throw new Error(check)
    expect(check.advance(() => true)).toBe(true)
    const { states } = check.progress
    check.stop('cancel')
    expect(check.advance(() => false)).toBe(false)
    expect(check.answer()).toMatchObject({ verdict: 'limit', limit: 'cancel', states })
  })

  it.each([
    [{ preset: 'v0.1' }, 'There is no kernel preset'],
    [{ params: { cpus: 99 } }, 'has no parameter "cpus"'],
    [{ properties: ['x'] }, 'The scenario has no property "x"; it has'],
    [
      { from: { choices: [{ kind: 'step', task: 99, choice: 0 }], moment: 1 } },
      'There is no task 99.',
    ],
  ] as const)('that makes no sense is answered with a sentence: %j', (question, sentence) => {
    expect(Check.of(named('the-driver-is-gone'), question as Question)).toContain(sentence)
  })
})
