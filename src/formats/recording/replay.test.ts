import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readRecording } from '../kernel-recording'
import type { Recording } from './record'
import { replay } from './replay'

const folder = new URL('../fixtures/recordings/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))

function read(name: string): Recording {
  const recording = readRecording(readFileSync(new URL(name, folder), 'utf8'))
  if (!recording.ok) throw new Error(recording.error.sentence)
  return recording.value
}

describe('a recording of a real kernel', () => {
  it.each(files)('%s: every observed field of every record with an action agrees', (name) => {
    const { disagreements, compared, records } = replay(read(name))
    expect(disagreements).toEqual([])
    expect(records).toBeGreaterThan(5)
    expect(compared).toBeGreaterThan(70)
  })

  it('is compared in every field: 241 of fsdax-xfs-hold, 75 of fsdax-xfs-unbind', () => {
    const counts = files.map((name) => [name, replay(read(name)).compared])
    expect(counts).toEqual([
      ['fsdax-xfs-hold.jsonl', 241],
      ['fsdax-xfs-unbind.jsonl', 75],
    ])
  })

  it('is found to disagree where any one leaf of what the kernel showed is changed', () => {
    for (const name of files) {
      const recording = read(name)
      let changed = 0
      for (const [index, step] of recording.steps.entries()) {
        if (step.do === undefined) continue
        for (const see of damaged(step.see)) {
          const steps = recording.steps.map((each, i) => (i === index ? { ...step, see } : each))
          expect(replay({ ...recording, steps }).disagreements, JSON.stringify(see)).not.toEqual([])
          changed += 1
        }
      }
      expect(changed).toBeGreaterThan(20)
    }
  })
})

/** Copies with one number or signal changed; what is not compared is left alone. */
function damaged(see: Readonly<Record<string, unknown>>): Record<string, unknown>[] {
  return Object.entries(see).flatMap(([key, value]) => {
    if (typeof value === 'number') return [{ ...see, [key]: value + 1 }]
    if (key === 'signal' || key === 'wchan' || key === 'value') return [{ ...see, [key]: 'other' }]
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
    return damaged(value as Record<string, unknown>).map((changed) => ({ ...see, [key]: changed }))
  })
}

describe('reading a recording', () => {
  it.each([
    ['', 'The recording is empty'],
    ['{"kernelRecording": 2, "name": "x", "kernel": "y"}', 'Line 1: expected the header'],
    ['{"kernelRecording": 1, "name": "x", "kernel": "y"}\nnot json', 'Line 2: this is not JSON'],
    ['{"kernelRecording": 1, "name": "x", "kernel": "y"}\n{"group": 7}', 'Line 2: expected a step'],
    [
      '{"kernelRecording": 1, "name": "x", "kernel": "y"}\n{"group": "g", "do": [{"op": "rm"}]}',
      'Line 2: the engine does not know the action "rm"',
    ],
    [`{"kernelRecording": 1, "name": "x", "kernel": "y"}\n${'['.repeat(100)}`, 'nested too deep'],
  ])('answers %j with a sentence', (text, sentence) => {
    const read = readRecording(text)
    expect(read.ok ? '' : read.error.sentence).toContain(sentence)
  })
})
