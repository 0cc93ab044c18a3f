import { describe, expect, it } from 'vitest'
import { MAX_CHOICES } from '../../machine'
import { readSchedule } from './choices'

const choices = [
  { kind: 'start', task: 1, operation: 'userStore', args: { vpn: 34259693568, value: 17 } },
  { kind: 'step', task: 1, choice: 0 },
]

describe('a list of choices', () => {
  it('is read by itself, and as the schedule of an answer', () => {
    const alone = readSchedule(JSON.stringify(choices))
    expect(alone.ok && alone.value).toEqual({ schedule: choices })
    const answer = readSchedule(JSON.stringify({ verdict: 'broken', schedule: choices }))
    expect(answer.ok && answer.value).toEqual({ schedule: choices })
  })

  it('is read with what it is a schedule of', () => {
    const document = {
      scenario: 'gup-fast-vs-remove',
      kernel: 'v5.9',
      policies: { removalZap: 'leave' },
      params: { cpus: 3 },
      schedule: choices,
    }
    const read = readSchedule(JSON.stringify(document))
    expect(read.ok && read.value).toEqual(document)
  })

  it.each([
    ['no JSON', '[1'],
    ['another document', '{"verdict": "holds"}'],
    ['a choice of no kind', '[{"kind": "jump", "task": 1}]'],
    ['a thread 0', '[{"kind": "step", "task": 0, "choice": 0}]'],
    ['half a choice', '[{"kind": "step", "task": 1, "choice": 0.5}]'],
    ['a number beyond 2^53', '[{"kind": "step", "task": 9007199254740993, "choice": 0}]'],
    ['arguments that are lists', '[{"kind":"start","task":1,"operation":"x","args":{"a":[]}}]'],
    ['parameters that are no numbers', '{"params": {"cpus": "3"}, "schedule": []}'],
    ['too many', JSON.stringify(Array(MAX_CHOICES + 1).fill({ kind: 'step', task: 1, choice: 0 }))],
  ])('that is %s is answered with one sentence', (_, text) => {
    const read = readSchedule(text)
    expect(!read.ok && read.error.sentence).toMatch(/^[^\n]{20,200}$/)
  })
})
