import { describe, expect, it } from 'vitest'
import { entries, entryText } from '../arena'
import type { Kernel } from '../linux/kernel'
import { type Choice, isBookkeeping, isDid, Timeline } from '../machine'
import { scenarios } from '../scenarios'
import { freshKernel, type Request, setupOf } from '../scenarios/open'
import type { Scenario } from '../scenarios/scenario'
import { Check } from './check'
import { SpaceComparison } from './compare'

const named = (name: string): Scenario => {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(name)
  return scenario
}

function compared(name: string, a: Request, b: Request, maxStates?: number) {
  const limits = maxStates === undefined ? {} : { maxStates }
  const comparison = SpaceComparison.of(named(name), a, b, limits)
  if (typeof comparison === 'string') throw new Error(comparison)
  while (comparison.advance(() => true));
  return comparison.result()
}

/** The kernel’s memory as text, without fields that are no part of it. */
const memoryOf = (k: Kernel, leftOut: ReadonlySet<string>): string =>
  entries(k.heap)
    .map(({ where, fields }) => ({
      where,
      fields: fields.filter(
        ([field]) =>
          !isBookkeeping(where.replace(/\[.*/, ''), field) && !leftOut.has(`${where}.${field}`),
      ),
    }))
    .map(entryText)
    .join('\n')

/** The whole state as text: memory, and the stacks of all threads. */
function stateOf(k: Kernel, leftOut: ReadonlySet<string>): string {
  const stacks = k.tasks
    .rows()
    .map(({ id, calls, ret }) => [
      calls,
      ret,
      ...k.machine
        .frames(id)
        .map((frame) => [frame.operation.name, frame.step.name, frame.locals, frame.ret]),
    ])
  return `${memoryOf(k, leftOut)}\n${JSON.stringify(stacks)}`
}

/** Every state of a scenario as text, in the order of their distance. */
function textsOf(name: string, request: Request, leftOut: ReadonlySet<string>) {
  const check = Check.of(named(name), { ...request, everything: true })
  if (typeof check === 'string') throw new Error(check)
  check.advance(() => false)
  const { search } = check
  return Array.from({ length: search.states }, (_, state) => {
    search.table.load(state)
    const { kernel } = search
    const level = search.levelOf(state)
    return { level, state: stateOf(kernel, leftOut), memory: memoryOf(kernel, leftOut) }
  })
}

function textAfter(
  name: string,
  request: Request,
  choices: readonly Choice[],
  leftOut: ReadonlySet<string>,
) {
  const setup = setupOf(named(name), request)
  if (typeof setup === 'string') throw new Error(setup)
  const timeline = new Timeline(freshKernel(named(name), setup))
  timeline.load(choices)
  expect(timeline.seek(choices.length)).toBeUndefined()
  const { kernel } = timeline
  return { state: stateOf(kernel, leftOut), memory: memoryOf(kernel, leftOut) }
}

const zap: Request = { policies: { removalZap: 'zap' } }
const leave: Request = { policies: { removalZap: 'leave' } }

const pairs = [
  ['gup-fast-vs-remove', zap, leave],
  ['half-a-bar', { preset: 'v5.7' }, { preset: 'v5.8' }],
  ['pks-global-hole', { preset: 'pks-rfc-2020' }, { preset: 'pks-v10-2022' }],
  ['legacy-files-too-early', { preset: 'v5.11' }, { preset: 'v5.12' }],
  ['fork-races-a-pin', { preset: 'v5.9' }, { preset: 'v5.11' }],
] as const

describe('the state spaces of two setups', () => {
  it.each(pairs)('of %s, %j and %j, are told apart exactly as their texts are', (...pair) => {
    const [name, left, right] = pair
    const { a, b, both, leftOut } = compared(name, left, right)
    const out = new Set(leftOut.map(({ where, field }) => `${where}.${field}`))
    const inA = textsOf(name, left, out)
    const inB = textsOf(name, right, out)
    for (const [kind, what] of [
      ['state', 'states'],
      ['memory', 'memories'],
    ] as const) {
      const textsA = new Set(inA.map((each) => each[kind]))
      const textsB = new Set(inB.map((each) => each[kind]))
      const shared = [...textsA].filter((text) => textsB.has(text)).length
      expect([a.all[what], b.all[what], both[what]]).toEqual([textsA.size, textsB.size, shared])
      expect([a.only?.[what], b.only?.[what]]).toEqual([textsA.size - shared, textsB.size - shared])
    }
    for (const [side, request, own, others] of [
      [a, left, inA, inB],
      [b, right, inB, inA],
    ] as const) {
      const { nearest, only } = side
      if (nearest === undefined) {
        expect(only?.states).toBe(0)
        continue
      }
      const kind = nearest.isInMemory ? 'memory' : 'state'
      const there = new Set(others.map((each) => each[kind]))
      const alone = own.filter((each) => !there.has(each[kind]))
      const { length } = nearest.choices
      expect(Math.min(...alone.map(({ level }) => level))).toBe(length)
      expect(alone.map((each) => each[kind])).toContain(
        textAfter(name, request, nearest.choices, out)[kind],
      )
    }
  })

  it('are the same where the setups are the same', () => {
    const { a, b, both, leftOut, verdicts } = compared('gup-fast-vs-remove', zap, zap)
    expect([a.only, b.only]).toEqual([
      { states: 0, memories: 0 },
      { states: 0, memories: 0 },
    ])
    expect([both.states, leftOut, verdicts, a.nearest]).toEqual([171, [], [], undefined])
  })

  it('tell which verdicts differ, and where a schedule parts from the other side', () => {
    const { b, verdicts } = compared('gup-fast-vs-remove', zap, leave)
    expect(verdicts).toEqual([{ name: 'removeDoneMeansUnheld', a: 'holds', b: 'broken' }])
    expect(b.nearest?.choices).toHaveLength(3)
    const { a: left, b: right } = b.nearest?.first ?? {}
    expect([left, right].filter(isDid).map(({ at, moment }) => [at, moment.step])).toEqual([
      [2, 'zap'],
      [2, 'zap'],
    ])
  })

  it('leave out what is never the same, and say so', () => {
    const { a, b, leftOut, both } = compared(
      'pks-boot-order',
      { preset: 'v5.9' },
      { preset: 'v6.12' },
    )
    expect(leftOut).toEqual([{ where: 'pgmaps[1]', field: 'ops', a: '{}', b: '{memory_failure}' }])
    expect([a.all, b.all]).toEqual([both, both])
    expect(both.states).toBeGreaterThan(50)
  })

  it('do not claim what a search that was stopped cannot know', () => {
    const { a, b, verdicts } = compared('gup-fast-vs-remove', zap, leave, 100)
    expect([a.answer.limit, b.answer.limit]).toEqual(['states', 'states'])
    expect([a.only, b.only, a.nearest, b.nearest]).toEqual(Array(4).fill(undefined))
    expect(verdicts.every((pair) => pair.a !== 'open' && pair.b !== 'open')).toBe(true)
  })

  it('say what of the setups cannot be', () => {
    const wrong = SpaceComparison.of(named('gup-fast-vs-remove'), zap, { preset: 'v1' })
    expect(wrong).toContain('There is no kernel preset "v1"')
  })
})
