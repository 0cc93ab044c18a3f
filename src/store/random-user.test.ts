import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Kernel } from '../linux/kernel'
import { presets } from '../linux/presets'
import type { Choice, Timeline } from '../machine'
import { scenarios } from '../scenarios'
import { openScenario } from '../scenarios/open'
import { menuFor, targetTables } from './menu'

const kinds = Object.keys(targetTables) as (keyof typeof targetTables)[]

/** What a reader does next, as numbers: whether he asks a menu, of what, and what he takes. */
type Whim = readonly [whether: number, what: number, which: number, way: number]

const anyWhim = fc.tuple(fc.nat(2), fc.nat(), fc.nat(), fc.nat())

/** One of a list, by any number. */
const pick = <T>(list: readonly T[], number: number): T | undefined => list[number % list.length]

/** What the menu of some object offers. */
function offered(timeline: Timeline<Kernel>, [, what, which, way]: Whim): Choice | undefined {
  const kind = pick(kinds, what) as (typeof kinds)[number]
  const rows: readonly { readonly id: number }[] = timeline.kernel[targetTables[kind]].rows()
  const row = pick(rows, which)
  const items = row === undefined ? [] : menuFor(timeline, { kind, id: row.id })
  const item = pick(
    items.filter(({ refused }) => refused === undefined),
    way,
  )
  return item && { kind: 'start', task: item.task, operation: item.operation, args: item.args }
}

/** The next step of some thread. */
function stepped({ kernel: k }: Timeline<Kernel>, [, , which, way]: Whim): Choice | undefined {
  const able = k.tasks.rows().filter(({ id }) => k.machine.canStep(id))
  const task = pick(able, which)?.id
  return task === undefined
    ? undefined
    : { kind: 'step', task, choice: way % k.machine.choices(task) }
}

describe('whatever a reader clicks', () => {
  it.each(scenarios.map(({ name }) => name))('goes on in %s, and back to the start', (name) => {
    const scenario = scenarios.find((each) => each.name === name)
    if (scenario === undefined) throw new Error(name)
    fc.assert(
      fc.property(
        fc.constantFrom(...presets.map((each) => each.name)),
        fc.nat(),
        fc.array(anyWhim, { minLength: 60, maxLength: 60 }),
        (preset, from, whims) => {
          const opened = openScenario(scenario, { preset })
          if (typeof opened === 'string') throw new Error(opened)
          const { timeline } = opened
          const { kernel } = timeline
          const start = kernel.heap.arena.hash
          timeline.seek(from % (timeline.length + 1))
          for (const whim of whims) {
            const choice = whim[0] === 0 ? offered(timeline, whim) : stepped(timeline, whim)
            if (choice === undefined) continue
            expect(timeline.take(choice)).toBeUndefined()
            for (const { id } of kernel.tasks.rows()) kernel.machine.waiting(id)
          }
          timeline.seek(0)
          expect(kernel.heap.arena.hash).toBe(start)
        },
      ),
      { seed: 20, numRuns: 8 },
    )
  })
})
