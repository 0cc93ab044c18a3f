import { describe, expect, it } from 'vitest'
import { int, layOut, pack, type Struct, struct } from '../arena'
import { frameStruct, frameWords, Machine, operationsOf, taskFields } from '.'

const Task = struct('task', { ...taskFields })
const Counter = struct('counter', { value: int(), lock: int() })

type Tiny = {
  readonly tasks: ReturnType<typeof tables>['tables']['tasks']
  readonly counter: { value: number; lock: number }
}
const tables = (locals: number) =>
  layOut(
    { tasks: [Task, 2], frames: [frameStruct(locals) as Struct, 4], counters: [Counter, 1] },
    {},
  )

const operation = operationsOf<Tiny>()
const source = { file: 'none', fn: 'none', version: '1' }

const add = operation({
  name: 'add',
  does: 'Adds under a lock.',
  source,
  leftOut: 'nothing',
  params: { by: int() },
  locals: { old: int() },
  entry: 'lock',
  steps: {
    lock: {
      does: 'Take the lock.',
      when: {
        state: 'R',
        ready: (k) => k.counter.lock === 0,
        reason: (k) => `held by ${k.counter.lock}`,
        holders: (k) => [{ task: k.counter.lock, until: 'call' }],
      },
      run(k, t) {
        k.counter.lock = t.task.id
        t.old = k.counter.value
        return 'write'
      },
    },
    write: {
      does: 'Write and unlock.',
      run(k, t) {
        k.counter.value = t.old + t.by
        k.counter.lock = 0
        return t.done(k.counter.value)
      },
    },
  },
})

const twice = operation({
  name: 'twice',
  does: 'Adds, and adds what came of it.',
  source,
  leftOut: 'nothing',
  params: { by: int() },
  entry: 'first',
  steps: {
    first: { does: 'Add.', run: (_k, t) => t.call(add, { by: t.by }, 'second') },
    second: { does: 'Add the sum.', run: (_k, t) => t.call(add, { by: t.ret }, 'end') },
    end: {
      does: 'Done, or not.',
      choices: () => 2,
      choice: (_k, _t, n) => (n === 0 ? 'return' : 'fail'),
      run: (_k, t, choice) => t.done(choice === 0 ? t.ret : -5),
    },
  },
})

const forever = operation({
  name: 'forever',
  does: 'Calls itself.',
  source,
  leftOut: 'nothing',
  entry: 'call',
  // An operation cannot name itself before it is made; the stack is full before that matters.
  steps: { call: { does: 'Call.', run: (_k, t) => t.call(twice, { by: 1 }, 'call') } },
})

function boot() {
  const operations = [add, twice, forever] as never[]
  const heap = tables(frameWords(operations))
  const counter = heap.tables.counters.make()
  const kernel: Tiny = { tasks: heap.tables.tasks, counter }
  const { tasks, frames } = heap.tables
  const machine = new Machine<Tiny>(kernel, { arena: heap.arena, tasks, frames, operations })
  for (const name of ['a', 'b']) tasks.make({ name })
  return { heap, machine, kernel }
}

describe('the machine', () => {
  it('runs a step at a time, and passes parameters and return values between operations', () => {
    const { machine, kernel } = boot()
    machine.start(1, twice as never, { by: 3 })
    const names: string[] = []
    while (machine.canStep(1)) {
      names.push(machine.stepName(1))
      machine.step(1)
    }
    expect(names).toEqual([
      'twice.first',
      'add.lock',
      'add.write',
      'twice.second',
      'add.lock',
      'add.write',
      'twice.end',
    ])
    expect([kernel.counter.value, kernel.tasks.at(1).ret]).toEqual([6, 6])
  })

  it('lets a task wait, with a reason, for as long as its condition does not hold', () => {
    const { machine } = boot()
    machine.start(1, add as never, { by: 1 })
    machine.start(2, add as never, { by: 1 })
    machine.step(1)
    expect(machine.canStep(2)).toBe(false)
    const holders = [{ task: 1, until: 'call' }]
    const waiting = { reason: 'held by 1', state: 'R', holders, interruptible: false }
    expect(machine.waiting(2)).toEqual(waiting)
    expect([machine.holders(1), machine.holders(2)]).toEqual([[], holders])
    machine.step(1)
    expect(machine.waiting(2)).toBeUndefined()
  })

  it('numbers the alternatives of a step, and takes the one that it is told', () => {
    const { machine, kernel } = boot()
    machine.start(1, twice as never, { by: 1 })
    while (machine.stepName(1) !== 'twice.end') machine.step(1)
    expect([machine.choices(1), machine.choiceName(1, 1)]).toEqual([2, 'fail'])
    machine.step(1, 1)
    expect(kernel.tasks.at(1).ret).toBe(-5)
  })

  it('leaves nothing of a frame behind: equal futures are equal states', () => {
    const [one, other] = [boot(), boot()]
    one.machine.start(1, add as never, { by: 5 })
    while (one.machine.canStep(1)) one.machine.step(1)
    other.machine.start(2, add as never, { by: 5 })
    while (other.machine.canStep(2)) other.machine.step(2)
    one.kernel.tasks.at(1).ret = 0
    other.kernel.tasks.at(2).ret = 0
    expect(pack(one.heap.arena)).toEqual(pack(other.heap.arena))
  })

  it('shows the stack, innermost first, with the locals by name', () => {
    const { machine } = boot()
    machine.start(1, twice as never, { by: 4 })
    machine.step(1)
    expect(machine.frames(1).map(({ operation: { name }, locals }) => [name, locals])).toEqual([
      ['add', { by: 4, old: 0 }],
      ['twice', { by: 4 }],
    ])
  })

  it('refuses a second operation on a busy task, and a stack that is full', () => {
    const { machine } = boot()
    machine.start(1, forever as never, {})
    expect(() => machine.start(1, add as never, { by: 1 })).toThrow('task 1 is not idle')
    machine.step(1)
    expect(() => machine.step(1)).toThrow('the stack is full')
  })

  it('does not compile where a step goes to one that there is not', () => {
    const bad = operation({
      name: 'bad',
      does: '',
      source,
      leftOut: '',
      entry: 'first',
      steps: {
        first: {
          does: '',
          // @ts-expect-error: there is no step of this name
          run: () => 'frist' as const,
        },
      },
    })
    expect(bad.steps).toHaveLength(1)
  })
})
