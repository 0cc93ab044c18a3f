import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { presetFor, presets } from '../../linux/presets'
import { readRecording } from '../kernel-recording'
import { actionsOf } from './own-actions'
import type { Recording } from './record'
import { replay } from './replay'

const folder = new URL('../fixtures/recordings/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))

function read(name: string): Recording {
  const recording = readRecording(readFileSync(new URL(name, folder), 'utf8'))
  if (!recording.ok) throw new Error(recording.error.sentence)
  return recording.value
}

/** Of each recording: records that are replayed, fields that are compared, leaves that may be damaged. */
const exact: Readonly<
  Record<string, readonly [records: number, compared: number, damaged: number]>
> = {
  'anon-cow.jsonl': [92, 1241, 433],
  'devdax-pin.jsonl': [15, 203, 68],
  'devmem.jsonl': [36, 221, 57],
  'fsdax-xfs-basic.jsonl': [28, 366, 100],
  'fsdax-xfs-hold.jsonl': [17, 241, 76],
  'fsdax-xfs-hwpoison.jsonl': [9, 107, 30],
  'fsdax-xfs-umount.jsonl': [3, 31, 10],
  'fsdax-xfs-unbind.jsonl': [7, 75, 22],
  'fsdax-xfs-unlink.jsonl': [5, 63, 19],
  'fsdax-xfsrmap-unbind.jsonl': [2, 31, 7],
  'hwpoison.jsonl': [13, 135, 52],
}

describe('a recording of a real kernel', () => {
  it('has its numbers here', () => {
    expect(files).toEqual(Object.keys(exact))
  })

  it.each(files)('%s: every observed field of every record with an action agrees', (name) => {
    const { disagreements, compared, records } = replay(read(name))
    expect(disagreements).toEqual([])
    expect([records, compared]).toEqual(exact[name]?.slice(0, 2))
  })

  it.each(files)(
    '%s: disagrees where any one leaf of what the kernel showed is changed',
    (name) => {
      const recording = read(name)
      let changed = 0
      for (const [index, step] of recording.steps.entries()) {
        if (actionsOf(step) === undefined) continue
        for (const see of damaged(step.see)) {
          const steps = recording.steps
            .map((each, i) => (i === index ? { ...step, see } : each))
            .filter(({ group }) => group === step.group || goesOn(recording, step.group))
          expect(replay({ ...recording, steps }).disagreements, JSON.stringify(see)).not.toEqual([])
          changed += 1
        }
      }
      expect(changed).toBe(exact[name]?.[2])
    },
  )
})

/** True for a group that is about what the group before it has mapped. */
const goesOn = ({ steps }: Recording, group: string): boolean => {
  const first = steps.find((step) => step.group === group && step.do !== undefined)?.do?.[0]
  return first?.at !== undefined && !first.op.startsWith('mmap')
}

/** Copies with one number or signal changed; what is not compared is left alone. */
function damaged(see: Readonly<Record<string, unknown>>): Record<string, unknown>[] {
  return Object.entries(see).flatMap(([key, value]) => {
    if (key === 'pid') return []
    if (typeof value === 'number') return [{ ...see, [key]: value + 1 }]
    if (key === 'signal' || key === 'wchan' || key === 'value') return [{ ...see, [key]: 'other' }]
    if (typeof value !== 'object' || value === null) return []
    if (Array.isArray(value)) return damagedList(value).map((list) => ({ ...see, [key]: list }))
    return damaged(value as Record<string, unknown>).map((changed) => ({ ...see, [key]: changed }))
  })
}

/** Lists of objects, one of them damaged; lists of words are left alone. */
const damagedList = (list: readonly unknown[]): unknown[][] =>
  list.flatMap((each, i) =>
    typeof each === 'object' && each !== null
      ? damaged(each as Record<string, unknown>).map((bad) => list.with(i, bad))
      : [],
  )

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

describe('a recording that was never made, of actions that were', () => {
  it('replays munmap and MADV_DONTNEED: what is pinned stays, what is not goes', () => {
    const act = (op: string, more: object = {}) => ({ op, by: 'parent', at: 'A', ...more })
    const none = { parent: { pte: null } }
    const steps = [
      {
        group: 'unmap',
        n: '1',
        title: '',
        do: [act('mmap_anon', { pages: 1 }), act('write', { value: '0x11' })],
        see: { parent: { page: { page: 'P1', refcount: 1, mapcount: 0 } } },
      },
      {
        group: 'unmap',
        n: '2',
        title: '',
        do: [act('gup', { kind: 'PIN', flags: ['FOLL_WRITE'], handle: 1 })],
        see: { parent: { page: { page: 'P1', refcount: 1025, mapcount: 0 } } },
      },
      {
        group: 'unmap',
        n: '3',
        title: '',
        do: [act('madvise', { advice: 'MADV_DONTNEED' })],
        see: { ...none, ret: 0, held_page: { page: 'P1', refcount: 1024, mapcount: -1 } },
      },
      { group: 'unmap', n: '4', title: '', do: [act('munmap')], see: none },
    ]
    const { disagreements, compared } = replay({ name: 'made up', kernel: '6.12.117', steps })
    expect(disagreements).toEqual([])
    expect(compared).toBe(12)
  })
})

describe('anon-cow', () => {
  const recording = read('anon-cow.jsonl')
  const rules = (name: string) => presets.find((preset) => preset.name === name)?.policies

  it('replays all of its 92 records, those of huge pages and others without a `do` included', () => {
    expect(replay(recording)).toMatchObject({ records: 92, skipped: 0, disagreements: [] })
    expect(recording.steps.filter((step) => step.do === undefined)).toHaveLength(11)
  })

  it('differs under 6.1 in what 6.1 did differently, and in nothing else', () => {
    const { disagreements } = replay(recording, rules('v6.1'))
    const others = disagreements.filter(({ field, kernel }) => {
      const isSavedDirty = field.endsWith('pte.bits') && String(kernel).includes('saved_dirty')
      return !isSavedDirty
    })
    expect(disagreements.length - others.length).toBeGreaterThan(30)
    // Before 6.2 a long-term pin of the zero page was not unshared; 5.8 to 6.11 split the huge zero page.
    const groups = new Set(others.map(({ record }) => record.replace(/ \d+$/, '')))
    expect([...groups]).toEqual(['pin-zeropage FOLL_PIN|FOLL_LONGTERM (read-only)', 'thp'])
  })

  it.each([
    ['6.12.117', 'v6.12'],
    ['6.1.140-cloud-amd64', 'v6.1'],
    ['6.1.20', 'v6.0'],
    ['5.10.209', 'v5.11'],
    ['5.10.0', 'v5.9'],
    ['5.15.0', 'v5.15'],
    ['6.16.5', 'v6.15'],
    ['6.18', 'v6.17'],
    ['4.9', undefined],
    ['unknown', undefined],
  ])('of kernel %s is replayed under the rules of %s', (kernel, preset) => {
    expect(presetFor(kernel)?.name).toBe(preset)
  })
})
