import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Kernel } from '../linux/kernel'
import { gupFastVsRemove } from '../scenarios/gup-fast-vs-remove'
import { freshKernel, openScenario, setupOf } from '../scenarios/open'
import { theDriverIsGone } from '../scenarios/the-driver-is-gone'
import { type Choice, Timeline } from '.'

function opened() {
  const story = openScenario(theDriverIsGone)
  if (typeof story === 'string') throw new Error(story)
  return story
}

function race(cpus = 3): Timeline<Kernel> {
  const setup = setupOf(gupFastVsRemove, { params: { cpus } })
  if (typeof setup === 'string') throw new Error(setup)
  return new Timeline(freshKernel(gupFastVsRemove, setup))
}

const hash = (timeline: Timeline<Kernel>): string => timeline.kernel.heap.arena.hash
const step = (task: number): Choice => ({ kind: 'step', task, choice: 0 })

describe('a timeline', () => {
  it('shows the same state at a moment, whichever way it is reached', () => {
    const { timeline } = opened()
    const hashes = Array.from({ length: timeline.length + 1 }, (_, moment) => {
      timeline.seek(moment)
      return hash(timeline)
    })
    expect(new Set(hashes).size).toBeGreaterThan(100)
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: timeline.length }), { maxLength: 12 }),
        (moments) => {
          for (const moment of moments) {
            timeline.seek(moment)
            expect(hash(timeline)).toBe(hashes[moment])
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  it('equals, after any schedule and any travel, the schedule played from scratch', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 40 }),
        fc.nat(40),
        (tasks, back) => {
          const travelled = race()
          const straight = race()
          for (const task of tasks)
            if (travelled.take(step(task)) === undefined) straight.take(step(task))
          travelled.seek(back)
          travelled.seek(Number.MAX_SAFE_INTEGER)
          expect(hash(travelled)).toBe(hash(straight))
        },
      ),
    )
  })

  it('makes a branch where the past is changed, and keeps the old one', () => {
    const timeline = race()
    for (const task of [1, 1, 2]) timeline.take(step(task))
    const end = hash(timeline)
    timeline.seek(2)
    timeline.take(step(3))
    expect(
      timeline.branches.map(({ name, forkedAt, choices }) => [name, forkedAt, choices.length]),
    ).toEqual([
      ['main', 0, 3],
      ['branch 1', 2, 3],
    ])
    expect(timeline.switchTo(1)).toBeUndefined()
    expect(hash(timeline)).toBe(end)
    expect(timeline.switchTo(9)).toBe('There is no branch 9.')
  })

  it('takes a whole schedule as a branch, flagged, and stands at its end', () => {
    const timeline = race()
    for (const task of [1, 1, 2]) timeline.take(step(task))
    const schedule = [1, 1, 4, 4].map(step)
    const flag = { moment: 3, says: 'The remover comes.' }
    expect(timeline.add('found', schedule, flag)).toBeUndefined()
    expect(timeline.branch).toMatchObject({ name: 'found', forkedAt: 2, choices: schedule, flag })
    expect(timeline.cursor).toBe(4)
    const played = race()
    for (const choice of schedule) played.take(choice)
    expect(hash(timeline)).toBe(hash(played))
    timeline.switchTo(1)
    const other = { moment: 4, says: 'It has come.' }
    timeline.add('found again', schedule, other)
    expect(timeline.branches.map(({ name, flag }) => [name, flag])).toEqual([
      ['main', undefined],
      ['found', other],
    ])
    expect([timeline.branch.name, timeline.cursor]).toEqual(['found', 4])
  })

  it('goes along the branch where the same choice is taken again', () => {
    const timeline = race()
    for (const task of [1, 2, 3]) timeline.take(step(task))
    timeline.seek(0)
    timeline.take(step(1))
    expect(timeline.branches).toHaveLength(1)
    expect([timeline.cursor, timeline.length]).toEqual([1, 3])
  })

  it('names the first moment at which a property broke, and forgets it further back', () => {
    const { timeline } = opened()
    timeline.seek(Number.MAX_SAFE_INTEGER)
    const since = timeline.standings()[0]?.since ?? 0
    expect(timeline.moments[since - 1]?.operation).toBe('memunmap_pages')
    timeline.seek(since)
    expect(timeline.standings()[0]?.finding?.says).toContain('whose pgmap is dead')
    timeline.seek(since - 1)
    expect(timeline.standings()[0]).toMatchObject({ finding: undefined, since: undefined })
  })

  it('tells what a step changed, field by field', () => {
    const { timeline } = opened()
    timeline.seek(timeline.length)
    const kill = timeline.moments.findIndex(({ step: name }) => name === 'kill') + 1
    timeline.seek(kill)
    expect(timeline.changes().filter(({ table }) => table === 'pgmaps')).toEqual([
      {
        table: 'pgmaps',
        where: { kind: 'row', id: 1 },
        field: 'ref',
        before: 196_609,
        after: 196_608,
      },
      {
        table: 'pgmaps',
        where: { kind: 'row', id: 1 },
        field: 'state',
        before: 'live',
        after: 'dying',
      },
    ])
  })

  it.each([
    [{ kind: 'step', task: 99, choice: 0 }, 'There is no task 99.'],
    [{ kind: 'step', task: 1, choice: 0 }, 'This thread is in user space and has no step to take.'],
    [
      { kind: 'start', task: 1, operation: 'rm_rf', args: {} },
      'There is no operation "rm_rf" to begin.',
    ],
    [
      { kind: 'start', task: 1, operation: 'dax_iomap_fault', args: {} },
      'There is no operation "dax_iomap_fault" to begin.',
    ],
    [
      { kind: 'start', task: 1, operation: 'userLoad', args: {} },
      'userLoad needs "vpn" to be a number.',
    ],
    [
      { kind: 'start', task: 1, operation: 'userLoad', args: { vpn: Number.NaN, value: 0 } },
      'userLoad: "vpn" is out of range.',
    ],
    [
      { kind: 'start', task: 1, operation: 'userLoad', args: { vpn: 0, value: 2 ** 40 } },
      'userLoad: "value" is out of range.',
    ],
    [
      { kind: 'start', task: 1, operation: 'userLoad', args: { vpn: 0, value: 0, more: 1 } },
      'userLoad takes no argument "more".',
    ],
    [
      { kind: 'start', task: 1, operation: 'do_munmap', args: { vma: 77 } },
      'There is no such area.',
    ],
  ] as [Choice, string][])(
    'refuses %j with a sentence, and changes nothing',
    (choice, sentence) => {
      const { timeline } = opened()
      const before = hash(timeline)
      expect(timeline.take(choice)).toBe(sentence)
      expect(hash(timeline)).toBe(before)
      expect(timeline.cursor).toBe(0)
    },
  )

  it('says where a loaded schedule plays differently, and stops there', () => {
    const { timeline } = opened()
    timeline.load([...timeline.branch.choices.slice(0, 5), step(2)])
    expect(timeline.seek(6)).toBe(
      'Step 6 plays differently here: This thread is in user space and has no step to take.',
    )
    expect(timeline.cursor).toBe(5)
  })

  it('survives any schedule that somebody makes up', () => {
    const names = [
      'userStore',
      'userLoad',
      'pin_user_pages_fast',
      'unpin_user_pages',
      'do_mmap',
      'do_munmap',
      'createFile',
      'writeFile',
      'xfs_vn_setattr',
      'xfs_file_fallocate',
      'path_umount',
      'path_mount',
      '__device_release_driver',
      'pmem_attach_disk',
      '__request_region',
      '__release_region',
    ]
    const number = fc.oneof(fc.integer({ min: -2, max: 10 }), fc.maxSafeInteger(), fc.double())
    const args = fc.dictionary(
      fc.constantFrom(
        'vpn',
        'value',
        'start',
        'pages',
        'write',
        'longterm',
        'handle',
        'inode',
        'pgoff',
        'label',
        'vma',
        'superBlock',
        'name',
        'size',
        'first',
        'last',
        'lazy',
        'device',
        'parent',
        'end',
        'flags',
      ),
      fc.oneof(number, fc.string()),
    )
    const complete = fc
      .tuple(fc.constantFrom(...names), args, number)
      .map(([operation, some, rest]) => {
        const params =
          opened().timeline.kernel.machine.operations.find(({ name }) => name === operation)
            ?.params ?? {}
        const all = Object.entries(params).map(([name, field]) => [
          name,
          typeof some[name] === typeof field.initial
            ? some[name]
            : typeof field.initial === 'string'
              ? 'x'
              : Math.trunc(rest) | 0,
        ])
        return { operation, args: Object.fromEntries(all) as Record<string, number | string> }
      })
    const choice: fc.Arbitrary<Choice> = fc.oneof(
      fc.record({
        kind: fc.constant('step' as const),
        task: fc.integer({ min: 0, max: 5 }),
        choice: fc.integer({ min: -1, max: 2 }),
      }),
      fc
        .record({ task: fc.integer({ min: 0, max: 5 }), begun: complete })
        .map(({ task, begun }) => ({ kind: 'start' as const, task, ...begun })),
    )
    fc.assert(
      fc.property(fc.array(choice, { maxLength: 60 }), (choices) => {
        const { timeline } = opened()
        for (const each of choices) {
          timeline.take(each)
          for (let i = 0; i < 8 && timeline.take(step(each.task)) === undefined; i++);
        }
        timeline.seek(0)
      }),
      { numRuns: 60 },
    )
  })
})
