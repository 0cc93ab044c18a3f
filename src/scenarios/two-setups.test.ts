import { describe, expect, it } from 'vitest'
import { type Choice, isDid } from '../machine'
import { Dice } from '../testing/random-walk'
import { scenarios } from '.'
import { openScenario, type Request } from './open'
import type { Scenario } from './scenario'
import { firstDifferent, type TwoSetups, underTwoSetups } from './two-setups'

const named = (name: string): Scenario => {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(name)
  return scenario
}

function compared(name: string, a: Request, b: Request, choices?: readonly Choice[]): TwoSetups {
  const played = underTwoSetups(named(name), a, b, choices)
  if (typeof played === 'string') throw new Error(played)
  return played
}

const storyOf = (name: string, request: Request): readonly Choice[] => {
  const opened = openScenario(named(name), request)
  if (typeof opened === 'string') throw new Error(opened)
  return opened.timeline.branch.choices
}

/** A schedule that some kernel takes: whoever can take a step takes one, by chance. */
function walk(name: string, request: Request, seed: number): readonly Choice[] {
  const opened = openScenario(named(name), request)
  if (typeof opened === 'string') throw new Error(opened)
  const { timeline } = opened
  const { machine, tasks } = timeline.kernel
  timeline.load([])
  const dice = new Dice(seed)
  for (;;) {
    const able = tasks.rows().filter(({ id }) => machine.canStep(id))
    if (able.length === 0) return timeline.branch.choices
    const task = dice.pick(able).id
    timeline.take({ kind: 'step', task, choice: dice.below(machine.choices(task)) })
  }
}

const race = 'gup-fast-vs-remove'
const zap: Request = { policies: { removalZap: 'zap' } }
const leave: Request = { policies: { removalZap: 'leave' } }

describe('one schedule under two setups', () => {
  it.each(['the-driver-is-gone', race, 'half-a-bar', 'vmsplice-leak', 'pks-stray-write'])(
    'of %s has no difference where the setups are the same',
    (name) => {
      const { start, rows } = compared(name, {}, {})
      expect([start, rows.every(({ isSame }) => isSame)]).toEqual([[], true])
      expect(rows).toHaveLength(storyOf(name, {}).length)
    },
  )

  it('has the step of one side that the other does not have, and goes on as before', () => {
    const { start, rows } = compared('the-driver-is-gone', { preset: 'v5.9' }, { preset: 'v6.12' })
    expect(start).toEqual([{ where: 'pgmaps[1]', field: 'ops', a: '{}', b: '{memory_failure}' }])
    const first = rows[firstDifferent({ rows }) ?? -1]
    expect(first?.a).toBeUndefined()
    expect(isDid(first?.b) && first.b.moment.fn).toBe('xfs_dax_notify_failure')
    const after = rows[(firstDifferent({ rows }) ?? 0) + 1]
    expect(after?.isSame).toBe(true)
    expect(isDid(after?.a) && [after.a.at, isDid(after.b) && after.b.at]).toEqual([50, 51])
  })

  it('puts the same step with other effects in one row', () => {
    const { rows } = compared(race, zap, leave)
    const first = rows[firstDifferent({ rows }) ?? -1]
    const did = [first?.a, first?.b].filter(isDid)
    expect(did.map(({ moment, changes }) => [moment.step, changes.length > 0])).toEqual([
      ['zap', true],
      ['zap', false],
    ])
  })

  it('plays a side exactly as it was chosen, if it can take every choice', () => {
    for (let seed = 0; seed < 30; seed++) {
      const request = seed % 2 === 0 ? zap : leave
      const choices = walk(race, request, seed)
      const { a, b } = compared(race, zap, leave, choices)
      const side = seed % 2 === 0 ? a : b
      expect(side.branch.choices.slice(0, choices.length)).toEqual(choices)
    }
  })

  it('keeps what each side did, in its order', () => {
    for (let seed = 0; seed < 30; seed++) {
      const { a, b, rows } = compared(race, zap, leave, walk(race, zap, seed))
      const did = (letter: 'a' | 'b') => rows.map((row) => row[letter]).filter(isDid)
      expect(did('a').map(({ moment }) => moment)).toEqual(a.moments)
      expect(did('b').map(({ moment }) => moment)).toEqual(b.moments)
    }
  })

  it('passes over what a side cannot take, says once why, and lets the others go on', () => {
    const choices: Choice[] = [
      { kind: 'step', task: 9, choice: 0 },
      { kind: 'step', task: 9, choice: 0 },
      { kind: 'step', task: 1, choice: 7 },
      { kind: 'step', task: 1, choice: 0 },
    ]
    const { rows, a } = compared(race, zap, zap, choices)
    expect(rows.map((row) => (isDid(row.a) ? row.a.moment.who : row.a))).toEqual([
      { who: 'task 9', says: 'There is no task 9.' },
      { who: 'cpu0', says: 'There is no choice 7 here.' },
      'cpu0',
    ])
    expect(a.cursor).toBe(1)
  })

  it('lets a thread finish a longer call, before its next one and at the end', () => {
    const short = { preset: 'v5.9' }
    const long = { preset: 'v6.12' }
    const { a, b } = compared('unbind-with-rmapbt', short, long)
    expect(b.moments.length).toBeGreaterThan(a.moments.length)
    const { tasks, machine } = b.kernel
    expect(tasks.rows().every(({ id }) => machine.isIdle(id))).toBe(true)
  })

  it('ends where a thread that catches up would go round for ever', () => {
    const { b } = compared('gup-fast-and-unbind', { preset: 'v5.9' }, { preset: 'v6.15' })
    expect(b.moments.length).toBeLessThan(100)
  })

  it.each([
    [{ preset: 'v1' }, {}],
    [{}, { preset: 'v1' }],
  ])('says what cannot be: %j, %j', (a, b) => {
    expect(underTwoSetups(named(race), a, b)).toContain('There is no kernel preset "v1"')
  })
})
