import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Heap, int, layOut, pack, ref, restore, struct, text, wide } from '../arena'
import {
  type Call,
  frameStruct,
  frameWords,
  type Invariant,
  invariantsOf,
  Machine,
  type Operation,
  operationsOf,
  taskFields,
} from '../machine'
import { Moves } from './moves'
import { Search } from './search'

const Task = struct('task', { ...taskFields })
const Cell = struct('cell', { a: int(), b: int(), key: wide(), name: text(), next: ref('cell') })
const Page = struct('page', { count: int() })

const lay = (words: number) =>
  layOut({ tasks: [Task, 4], frames: [frameStruct(words), 12], cells: [Cell, 3] }, { pages: Page })

type Tables = ReturnType<typeof lay>['tables']
type Ranges = ReturnType<typeof lay>['ranges']

/** A kernel whose steps look at places that hang on what they found at other places. */
interface Cells extends Tables, Ranges {
  readonly heap: Heap
  readonly machine: Machine<Cells>
  readonly invariants: readonly Invariant<Cells>[]
}

const operation = operationsOf<Cells>()
const { always, alwaysByTask, sometimes, sometimesByTask } = invariantsOf<Cells>()

interface Frame {
  mine: number
  readonly task: { readonly id: number }
  readonly ret: number
  call(op: Operation<Cells>, args: object, next: string): never
  done(value?: number): never
}

/** What a step does with the number that its call keeps; `at` is a cell. */
const doings = {
  load(k: Cells, t: Frame, at: number) {
    t.mine = k.cells.isLive(at) ? k.cells.at(at).a : 0
  },
  store(k: Cells, t: Frame, at: number) {
    if (k.cells.isLive(at)) k.cells.at(at).a = t.mine % 3
  },
  chase(k: Cells, t: Frame, at: number) {
    const next = k.cells.isLive(at) ? k.cells.at(at).next : 0
    t.mine = k.cells.isLive(next) ? k.cells.at(next).b : 1
  },
  link(k: Cells, t: Frame, at: number) {
    if (k.cells.isLive(at)) k.cells.at(at).next = (1 + (t.mine % 3)) as never
  },
  flip(k: Cells, _t: Frame, at: number) {
    if (k.cells.isLive(at)) k.cells.at(at).b ^= 1
  },
  alloc(k: Cells, t: Frame, at: number) {
    t.mine = k.cells.alloc({ a: t.mine % 2, key: 2 ** 40 * at })?.id ?? 0
  },
  free(k: Cells, _t: Frame, at: number) {
    if (k.cells.isLive(at)) k.cells.free(at)
  },
  name(k: Cells, t: Frame, at: number) {
    if (k.cells.isLive(at)) k.cells.at(at).name = t.mine === 1 ? 'one' : 'other'
  },
  named(k: Cells, t: Frame, at: number) {
    t.mine = k.cells.find(({ name }) => name === 'one')?.id ?? at
  },
  key(k: Cells, _t: Frame, at: number) {
    if (k.cells.isLive(at)) k.cells.at(at).key += 2 ** 33
  },
  keyed(k: Cells, t: Frame, at: number) {
    if (k.cells.isLive(at)) t.mine = Math.floor(k.cells.at(at).key / 2 ** 33) % 3
  },
  page(k: Cells, t: Frame, at: number) {
    if (k.pages.has(at)) k.pages.at(at).count = t.mine % 2
  },
  pages(k: Cells, t: Frame, at: number) {
    t.mine = k.pages.runs(at).length % 3
  },
  unmap(k: Cells, _t: Frame, at: number) {
    k.pages.clear(at, at + 1)
  },
  spawn(k: Cells, t: Frame) {
    t.mine = k.tasks.alloc({ name: 'thread 2' })?.id ?? 0
  },
  returned(_k: Cells, t: Frame) {
    t.mine = t.ret
  },
  peek(k: Cells, t: Frame, at: number) {
    const [frame] = k.tasks.isLive(at) ? k.machine.frames(at) : []
    t.mine = frame?.step.name === 's1' ? Number(frame.locals['mine']) : 2
  },
} satisfies Record<string, (k: Cells, t: Frame, at: number) => void>

const kinds = [
  ...(Object.keys(doings) as (keyof typeof doings)[]),
  'wait',
  'choose',
  'skip',
  'call',
] as const

interface Doing {
  readonly kind: (typeof kinds)[number]
  readonly at: number
}

const source = { file: 'cells.c', fn: 'cells', version: '0' }

/** A call of such steps; it may make another one. */
function does(name: string, list: readonly Doing[], inner?: Operation<Cells>): Operation<Cells> {
  const names = [...list.map((_, i) => `s${i}`), 'end']
  const steps = list.map(({ kind, at }, i) => {
    const next = names[i + 1] as string
    const waits = {
      state: 'S' as const,
      ready: (k: Cells, t: Frame) => !k.cells.isLive(at) || k.cells.at(at).a === t.mine,
      reason: () => 'waits for its number',
      holders: () => [],
    }
    const step = {
      does: kind,
      ...(kind === 'wait' ? { when: waits } : {}),
      ...(kind === 'choose' ? { choices: (k: Cells) => (k.cells.isFull ? 1 : 2) } : {}),
      run(k: Cells, t: Frame, choice: number) {
        if (kind === 'choose') t.mine = choice + 1
        else if (kind === 'skip') return t.mine === at ? next : (names[i + 2] ?? 'end')
        else if (kind === 'call') return inner ? t.call(inner, { mine: t.mine }, next) : next
        else if (kind !== 'wait') doings[kind](k, t, at)
        return next
      },
    }
    return [names[i], step] as const
  })
  const end = { does: 'End.', run: (_k: Cells, t: Frame) => t.done(t.mine) }
  return operation({
    name,
    does: 'Does.',
    source,
    leftOut: 'Nothing.',
    params: { mine: int() },
    entry: 's0',
    steps: { ...Object.fromEntries(steps), end } as never,
  }) as unknown as Operation<Cells>
}

const found = (id: number) => ({ table: 'cells', id, says: `found at ${id}` })

const invariants = [
  always({
    name: 'chain',
    claim: 'The first cell leads to no cell with a 2.',
    sources: [],
    windows: [{ says: 'while a page is counted', isOpen: (k) => k.pages.find(0, 4) === undefined }],
    broken(k) {
      let at = 1
      for (let i = 0; i < 3 && k.cells.isLive(at); i++) {
        const { a, next } = k.cells.at(at)
        if (a === 2) return found(at)
        at = next
      }
      return undefined
    },
  }),
  alwaysByTask({
    name: 'mine',
    claim: 'While the second cell is there, nobody keeps a 2 and sees the first flipped.',
    sources: [],
    when: (k) => k.cells.isLive(2),
    byTask: (k, task) =>
      k.machine.frames(task).some(({ locals }) => locals['mine'] === 2) &&
      k.cells.find(({ b }) => b === 1) !== undefined
        ? found(task)
        : undefined,
  }),
  sometimes({
    name: 'full',
    claim: 'All cells are taken, and a page is counted.',
    sources: [],
    shown: (k) =>
      k.cells.isFull && k.pages.runs().some(({ count }) => count > 0) ? found(3) : undefined,
  }),
  sometimesByTask({
    name: 'waits',
    claim: 'Somebody waits.',
    sources: [],
    byTask: (k, task) => (k.machine.isWaiting(task) ? found(task) : undefined),
  }),
]

type Threads = readonly (readonly (readonly Doing[])[])[]

function kernelOf(threads: Threads, inner: readonly Doing[]) {
  const called = does('inner', inner)
  const calls = threads.map((each, i) => each.map((list, j) => does(`call${i}${j}`, list, called)))
  const operations = [called, ...calls.flat()]
  const heap = lay(frameWords(operations))
  const kernel = { ...heap.tables, ...heap.ranges, heap, invariants } as unknown as Cells
  const { tasks, frames } = heap.tables
  const machine = new Machine(kernel, { arena: heap.arena, tasks, frames, operations })
  Object.assign(kernel, { machine })
  const programs = new Map<string, Call<Cells>[]>()
  calls.forEach((each, i) => {
    const { name } = tasks.make({ name: `thread ${i + 1}` })
    const callOf = ({ name: called }: Operation<Cells>, j: number): Call<Cells> => ({
      operation: () => called,
      args: (k) => ({ mine: k.cells.isLive(j + 1) ? k.cells.at(j + 1).b : 2 }),
      ...(j === 1 ? { when: (k: Cells) => !k.cells.isFull } : {}),
    })
    programs.set(name, each.map(callOf))
  })
  kernel.cells.make({ a: 1 })
  kernel.cells.make({ next: 1 as never })
  kernel.pages.fill(0, 4, { count: 0 })
  heap.arena.journal.length = 0
  return { kernel, programs }
}

/** States that are expanded: what comes after them is in neither search. */
const MOST = 300

/** Every state by all its words, each asked of by itself: nothing is remembered. */
function plain({ kernel, programs }: ReturnType<typeof kernelOf>) {
  const { heap, tasks } = kernel
  const moves = new Moves(kernel, programs)
  const states = [pack(heap.arena)]
  const numbers = new Map([[(states[0] as Int32Array).join(), 0]])
  const edges: string[][] = []
  const depths = [0]
  for (let from = 0; from < Math.min(states.length, MOST); from++) {
    const made: string[] = []
    restore(heap.arena, states[from] as Int32Array)
    for (const task of moves.threads)
      if (tasks.isLive(task))
        moves.of(task, (_, kind) => {
          const packed = pack(heap.arena)
          const words = packed.join()
          const to = numbers.get(words) ?? states.length
          if (to === states.length) {
            states.push(packed)
            numbers.set(words, to)
            depths.push((depths[from] as number) + 1)
          }
          made.push(`${to} ${task} ${kind}`)
        })
    edges.push(made)
  }
  const claims = invariants.map((invariant) => {
    const nearest: number[] = []
    let first: unknown
    states.forEach((packed, state) => {
      if (nearest.length > 0 && depths[state] !== depths[nearest[0] as number]) return
      restore(heap.arena, packed)
      const says = invariant.kind === 'always' ? invariant.broken(kernel) : invariant.shown(kernel)
      if (says === undefined) return
      first ??= says
      nearest.push(state)
    })
    return { finding: first, states: nearest }
  })
  return { states: states.map((each) => each.join()), edges, claims }
}

function remembered({ kernel, programs }: ReturnType<typeof kernelOf>) {
  const search = new Search(kernel, programs)
  for (let left = MOST; left > 0 && search.advance(1); left--);
  const { graph, table, claims } = search
  const edges = Array.from({ length: graph.expanded }, (_, state) =>
    Array.from({ length: graph.end(state) - graph.first(state) }, (_, i) => {
      const move = graph.first(state) + i
      return `${graph.target(move)} ${graph.task(move)} ${graph.kind(move)}`
    }),
  )
  const states = Array.from({ length: search.states }, (_, state) => {
    table.load(state)
    return pack(kernel.heap.arena).join()
  })
  return { states, edges, claims: claims.list.map(({ finding, states }) => ({ finding, states })) }
}

const list = fc.array(
  fc.record({ kind: fc.constantFrom(...kinds), at: fc.integer({ min: 1, max: 3 }) }),
  { minLength: 1, maxLength: 5 },
)
const threads = fc.array(fc.array(list, { minLength: 1, maxLength: 2 }), {
  minLength: 2,
  maxLength: 3,
})
const inner = list
  .map((each) => each.filter(({ kind }) => kind !== 'call'))
  .filter((each) => each.length > 0)

describe('a search that remembers what it looked at', () => {
  it('has the states, the moves and the findings of one that asks in every state', () => {
    fc.assert(
      fc.property(threads, inner, (each, called) => {
        expect(remembered(kernelOf(each, called))).toEqual(plain(kernelOf(each, called)))
      }),
      { numRuns: 150 },
    )
  })
})
