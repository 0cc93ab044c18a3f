import { type Heap, int, layOut, ref, struct } from '../arena'
import {
  frameStruct,
  frameWords,
  type Invariant,
  Machine,
  type Operation,
  operationsOf,
  taskFields,
  type Wait,
} from '../machine'

const Task = struct('task', { ...taskFields })
const Lock = struct('lock', { by: ref('task') })
const Word = struct('word', { value: int() })

const lay = (words: number) =>
  layOut(
    { tasks: [Task, 4], frames: [frameStruct(words), 8], locks: [Lock, 2], words: [Word, 2] },
    {},
  )

type Tables = ReturnType<typeof lay>['tables']

/** A kernel of four threads, two locks and two words: enough to go wrong in every way. */
export interface Toy extends Tables {
  readonly heap: Heap
  readonly machine: Machine<Toy>
  readonly invariants: readonly Invariant<Toy>[]
}

export const operation = operationsOf<Toy>()

const source = { file: 'toy.c', fn: 'toy', version: '0' }
const header = { does: 'Does.', source, leftOut: 'Nothing.' }

/** Sleeps until a lock is free. */
const free = (lock: number): Wait<Toy, object> => ({
  state: 'D',
  ready: (k) => k.locks.at(lock).by === 0,
  reason: () => `waits for lock ${lock}`,
  holders: (k) => [{ task: k.locks.at(lock).by, until: 'call' }],
})

/** Takes two locks, one after the other, and releases both. */
export const takesBoth = (first: number, second: number) =>
  operation({
    ...header,
    name: `takes${first}${second}`,
    entry: 'first',
    steps: {
      first: {
        does: 'Take one.',
        when: free(first),
        run(k, t) {
          k.locks.at(first).by = t.task.id
          return 'second'
        },
      },
      second: {
        does: 'Take the other.',
        when: free(second),
        run(k, t) {
          k.locks.at(second).by = t.task.id
          return 'release'
        },
      },
      release: {
        does: 'Release both.',
        run(k, t) {
          k.locks.at(1).by = 0 as typeof t.task.id
          k.locks.at(2).by = 0 as typeof t.task.id
          return t.done()
        },
      },
    },
  })

/** Adds one to a word in two steps, as a processor does. */
export const adds = operation({
  ...header,
  name: 'adds',
  locals: { seen: int() },
  entry: 'load',
  steps: {
    load: {
      does: 'Load.',
      run(k, t) {
        t.seen = k.words.at(1).value
        return 'store'
      },
    },
    store: {
      does: 'Store.',
      run(k, t) {
        k.words.at(1).value = t.seen + 1
        return t.done()
      },
    },
  },
})

/** Looks at a word until it is not 0, without sleeping. */
export const spins = operation({
  ...header,
  name: 'spins',
  entry: 'look',
  steps: {
    look: {
      does: 'Look.',
      run: (k, t) => (k.words.at(1).value === 0 ? 'look' : t.done()),
    },
  },
})

/** Raises its word, and lowers it again while the other’s is up: two of them can do so for ever. */
export const yields = (own: number, other: number) =>
  operation({
    ...header,
    name: `yields${own}`,
    entry: 'raise',
    steps: {
      raise: {
        does: 'Raise.',
        run(k) {
          k.words.at(own).value = 1
          return 'look'
        },
      },
      look: {
        does: 'Look.',
        run: (k, t) => (k.words.at(other).value === 0 ? t.done() : 'lower'),
      },
      lower: {
        does: 'Lower.',
        run(k) {
          k.words.at(own).value = 0
          return 'raise'
        },
      },
    },
  })

/** A toy whose threads are in these operations already. */
export function toy(
  started: readonly Operation<Toy>[],
  invariants: readonly Invariant<Toy>[] = [],
): Toy {
  const operations = [...new Set([...started, adds, spins])]
  const heap = lay(frameWords(operations))
  const { tables } = heap
  const kernel = { ...tables, heap, invariants }
  const machine: Machine<Toy> = new Machine(kernel as unknown as Toy, {
    arena: heap.arena,
    tasks: tables.tasks,
    frames: tables.frames,
    operations,
  })
  const whole = Object.assign(kernel, { machine }) as Toy
  for (let i = 0; i < 2; i++) {
    tables.locks.make()
    tables.words.make()
  }
  started.forEach((each, i) => {
    const { id } = tables.tasks.make({ name: `thread ${i + 1}` })
    machine.start(id, each, {})
  })
  heap.arena.journal.length = 0
  return whole
}
