import type { Heap } from '../arena'
import type { Always, AnyKernel, Finding, Steppable } from '../machine'
import type { Scenario, Setup } from '../scenarios/scenario'
import { contentsOf } from './content-texts'
import type { Programs } from './moves'
import type { Start } from './programs'
import { modelText, type Variable } from './promela-text'
import { Search } from './search'
import { tabulate } from './tabulate'

/** What the head of a model says that its kernel does not know. */
export interface Header {
  readonly scenario: string
  /** The kernel preset. */
  readonly preset: string
  /** The policies that matter, by name. */
  readonly policies: Readonly<Record<string, string>>
}

interface Wish {
  readonly preset?: string
  readonly property: string | undefined
  /** States that the model may have. */
  readonly most: number
  /** How to have a larger one, in a few words, where that can be. */
  readonly more?: string
}

/**
 * One property of a scenario as a model in Promela: see `promela`. A sentence says why there is none.
 * Of the policies, the head names those that the scenario calls its own.
 */
export function modelOf(
  scenario: Scenario,
  { kernel, programs, setup }: Start,
  { preset, property, most, more }: Wish,
): Model | string {
  const always = kernel.invariants.filter((each) => each.kind === 'always')
  const claim = always.find(({ name }) => name === property)
  if (claim === undefined) {
    const wrong = property === undefined ? '' : ` "${property}" is none.`
    return `A model in Promela is about a property that must always hold: ${always.map(({ name }) => name).join(', ')}.${wrong}`
  }
  return promela(kernel, programs, claim, headerOf(scenario, preset, setup), most, more)
}

const headerOf = (
  { name, policies, preset: usual }: Scenario,
  preset: string | undefined,
  setup: Setup,
): Header => ({
  scenario: name,
  preset: preset ?? usual,
  policies: Object.fromEntries(policies.map((each) => [each, setup.policies[each] ?? ''])),
})

/** What the search found, and SPIN should find. */
interface Expected {
  readonly states: number
  readonly transitions: number
  /** Moves of a shortest schedule that breaks the property; undefined where it holds. */
  readonly shortest: number | undefined
}

/** A model in Promela. */
export interface Model extends Expected {
  readonly text: string
}

/**
 * Writes what the threads can do, and one property, as a model in Promela, so that SPIN finds the
 * verdict, the number of states and the shortest length once more. The single moves are tabulated
 * from this engine; which of them can follow which, and where that leads, is for SPIN to find.
 *
 * Leaves the kernel in its state, with an empty journal. The answer is a sentence where there are
 * more than `most` states; `more` is said behind it. Throws where a move looked at something that is no part of the state.
 */
export function promela<K extends AnyKernel & Steppable<K>>(
  kernel: K,
  programs: Programs<K>,
  property: Always<K>,
  header: Header,
  most = 100_000,
  more?: string,
): Model | string {
  const search = new Search(kernel, programs, [property])
  while (search.states <= most && search.advance(1));
  const { states, transitions, isComplete } = search
  if (!isComplete) {
    search.play([])
    const hint = more === undefined ? '' : ` ${more}`
    return `There are more than ${most} states: too many for a model in Promela.${hint}`
  }
  const tabulated = tabulate(search, programs, property)
  const variables = variablesOf(search)
  search.play([])
  const { states: broken, finding } = search.claims.list[0] as (typeof search.claims.list)[0]
  const shortest = broken[0] === undefined ? undefined : search.levelOf(broken[0])
  const found = { states, transitions, shortest }
  const text = modelText({
    ...tabulated,
    head: headOf(header, property, found, finding),
    variables,
    threads: new Map(threadsOf(kernel)),
    property: property.name,
  })
  return { ...found, text }
}

function headOf(
  { scenario, preset, policies }: Header,
  { name, claim }: { readonly name: string; readonly claim: string },
  { states, transitions, shortest }: Expected,
  finding: Finding | undefined,
): string[] {
  const chosen = Object.entries(policies).map(([policy, value]) => `${policy}=${value}`)
  return [
    [scenario, preset, ...chosen].join(', '),
    '',
    `${name}: ${claim}`,
    shortest === undefined
      ? `Expected: it holds. ${states} states, ${transitions} transitions.`
      : `Expected: it is broken. Moves of a shortest schedule: ${shortest}; then ${finding?.says}.`,
    '',
    'spin -a model.pml && gcc -DSAFETY -DBFS -DNOREDUCE -o pan pan.c && ./pan',
    '',
    'pan’s "states, stored" are the states; its "transitions" are one more than ours, because it counts',
    'the start. "assertion violated (at depth n)" ends a shortest schedule, of n moves, which',
    '"spin -t -p model.pml" prints. -O2 makes gcc slow here, and pan hardly faster.',
    '',
    'From Pinhole are the single moves: with which contents of the parts that it looks at each can be',
    'made, and which contents it leaves. Likewise where the property holds, and where it is broken.',
    'From SPIN is the rest: which moves follow which, which states are one, and the search.',
  ]
}

/** The threads that there are now, by the numbers of their tasks. */
const threadsOf = ({ heap }: { readonly heap: Heap }): (readonly [number, string])[] =>
  heap.tables['tasks']?.rows().map((row) => {
    const { id, name } = row as unknown as { id: number; name: string }
    return [id, name] as const
  }) ?? []

/** A variable for each part that varies, in the order of the parts. */
function variablesOf<K extends AnyKernel & Steppable<K>>(search: Search<K>): Variable[] {
  const { table, kernel } = search
  const contents = contentsOf(search)
  table.load(0)
  const threads = new Map(threadsOf(kernel))
  return table.varying.map((part) => {
    const { table: of, row } = table.parts.list[part] as (typeof table.parts.list)[number]
    const { maxDepth } = kernel.machine
    const task = of === 'tasks' ? row : of === 'frames' ? Math.ceil(row / maxDepth) : 0
    const frame = of === 'frames' && maxDepth > 1 ? `, frame ${((row - 1) % maxDepth) + 1}` : ''
    return {
      part,
      name: row === 0 ? of : `${of}_${row}`,
      about: task === 0 ? '' : `${threads.get(task) ?? ''}${frame}`,
      contents: contents.get(part) ?? [],
    }
  })
}
