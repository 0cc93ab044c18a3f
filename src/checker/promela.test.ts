import { describe, expect, it } from 'vitest'
import { createKernel, type Kernel } from '../linux/kernel'
import { operation } from '../linux/operation'
import { policies } from '../linux/policies'
import { type Always, choosePolicies } from '../machine'
import { scenarios } from '../scenarios'
import { freshKernel, setupOf } from '../scenarios/open'
import { hasSpin, spinSearch } from '../testing/spin'
import { contentsOf } from './content-texts'
import { programsOf } from './programs'
import { type Model, promela } from './promela'
import { modelText } from './promela-text'
import type { Term } from './rules'
import { Search } from './search'
import { type Tabulated, tabulate } from './tabulate'

interface Case {
  readonly scenario: string
  readonly property: string
  readonly cpus?: number
  readonly removalZap?: string
}

const remove = { scenario: 'gup-fast-vs-remove', property: 'removeDoneMeansUnheld' }
const holding: readonly Case[] = [
  { ...remove, cpus: 2 },
  { ...remove, cpus: 3 },
  { scenario: 'umount-while-pinned', property: 'conservation' },
  { scenario: 'swapped-under-io', property: 'exclusiveDiscipline' },
  { scenario: 'mprotect-under-dma', property: 'tlbSafety' },
  { scenario: 'unlink-while-pinned', property: 'truncateReturns' },
  { scenario: 'half-a-bar', property: 'oneOwner' },
]
const breaking: readonly Case[] = [
  { ...remove, cpus: 2, removalZap: 'leave' },
  { scenario: 'truncate-under-dma', property: 'noFreedBlockHeld' },
  { scenario: 'unlink-while-pinned', property: 'dmaKeepsOwner' },
  { scenario: 'fork-races-a-pin', property: 'gupFastSeesFork' },
  { scenario: 'half-a-bar', property: 'noStalePte' },
  { scenario: 'two-creators-the-worker-loses', property: 'oneResourceFile' },
  { scenario: 'pks-stray-write', property: 'durability' },
  { scenario: 'cxl-surprise-removal', property: 'noLoadFromNowhere' },
]

function boot({ scenario: name, property, cpus, removalZap }: Case) {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
  const setup = setupOf(scenario, {
    ...(cpus === undefined ? {} : { params: { cpus } }),
    ...(removalZap === undefined ? {} : { policies: { removalZap } }),
  })
  if (typeof setup === 'string') throw new Error(setup)
  const kernel = freshKernel(scenario, setup)
  const invariant = kernel.invariants.find((each) => each.name === property)
  if (invariant?.kind !== 'always') throw new Error(`there is no property ${property}`)
  const chosen = scenario.policies.map((policy) => [policy, setup.policies[policy] ?? ''])
  const header = { scenario: name, preset: scenario.preset, policies: Object.fromEntries(chosen) }
  return { kernel, programs: programsOf(scenario.story), invariant, header }
}

function modelOf(one: Case): Model {
  const { kernel, programs, invariant, header } = boot(one)
  const model = promela(kernel, programs, invariant, header)
  if (typeof model === 'string') throw new Error(model)
  return model
}

/** What the rules lead to from content 0 of every part, and where their property is broken first. */
function follow({ commands, verdicts }: Tabulated) {
  const parts = [...new Set(commands.flatMap(({ guard }) => guard.map(({ part }) => part)))]
  const place = new Map(parts.map((part, i) => [part, i]))
  const isMet = (state: readonly number[], guard: readonly Term[]) =>
    guard.every(({ part, value }) => state[place.get(part) as number] === value)
  const start = parts.map(() => 0)
  const depths = new Map([[start.join(), 0]])
  const queue = [start]
  let transitions = 0
  let shortest: number | undefined
  for (const state of queue) {
    const depth = depths.get(state.join()) as number
    if (verdicts.some(({ says, guard }) => says !== undefined && isMet(state, guard)))
      shortest ??= depth
    for (const { effect } of commands.filter(({ guard }) => isMet(state, guard))) {
      const next = [...state]
      for (const { part, value } of effect) next[place.get(part) as number] = value
      transitions += 1
      if (depths.has(next.join())) continue
      depths.set(next.join(), depth + 1)
      queue.push(next)
    }
  }
  return { states: queue.length, transitions, shortest }
}

const titled = (cases: readonly Case[]) =>
  cases.map((one) => {
    const { scenario, property, cpus, removalZap } = one
    const more = [cpus && `${cpus} CPUs`, removalZap].filter(Boolean).map((each) => `, ${each}`)
    return [`${property} in ${scenario}${more.join('')}`, one] as const
  })

describe('the rules of a search', () => {
  it.each(titled([...holding, ...breaking]))('lead to its states: %s', (_title, one) => {
    const { kernel, programs, invariant } = boot(one)
    const search = new Search(kernel, programs, [invariant])
    while (search.advance(1000));
    const { states, transitions } = search
    const [broken] = search.claims.list[0]?.states ?? []
    const shortest = broken === undefined ? undefined : search.levelOf(broken)
    const tabulated = tabulate(search, programs, invariant)
    expect(follow(tabulated)).toEqual({ states, transitions, shortest })
    expect(tabulated.commands.length).toBeLessThan(transitions)
    for (const texts of contentsOf(search).values()) {
      expect(texts.length).toBeGreaterThan(1)
      expect(new Set(texts).size).toBe(texts.length)
    }
  })
})

describe('a model in Promela', () => {
  it('reads as a protocol of the moves', () => {
    expect(modelOf({ ...remove, cpus: 1 }).text).toMatchInlineSnapshot(`
      "/*
       * gup-fast-vs-remove, v6.12, removalZap=zap
       *
       * removeDoneMeansUnheld: Once remove() is done, no CPU holds the page.
       * Expected: it holds. 25 states, 38 transitions.
       *
       * spin -a model.pml && gcc -DSAFETY -DBFS -DNOREDUCE -o pan pan.c && ./pan
       *
       * pan’s "states, stored" are the states; its "transitions" are one more than ours, because it counts
       * the start. "assertion violated (at depth n)" ends a shortest schedule, of n moves, which
       * "spin -t -p model.pml" prints. -O2 makes gcc slow here, and pan hardly faster.
       *
       * From Pinhole are the single moves: with which contents of the parts that it looks at each can be
       * made, and which contents it leaves. Likewise where the property holds, and where it is broken.
       * From SPIN is the rest: which moves follow which, which states are one, and the search.
       */

      /*
       * tasks_1: cpu0
       *   0  depth=1
       *   1  depth=0
       */
      byte tasks_1

      /*
       * tasks_2: remove
       *   0  depth=1
       *   1  depth=0
       */
      byte tasks_2

      /*
       * frames_1: cpu0
       *   0  gup_fast_pin_once.read_pte vpn=0x7f0000000
       *   1  gup_fast_pin_once.get_pgmap vpn=0x7f0000000 pfn=0x60400
       *   2  gup_fast_pin_once.try_grab vpn=0x7f0000000 pfn=0x60400 pgmap=dev_pagemap[1]
       *   3  gup_fast_pin_once.recheck vpn=0x7f0000000 pfn=0x60400 pgmap=dev_pagemap[1]
       *   4  empty
       *   5  gup_fast_pin_once.put_pgmap vpn=0x7f0000000 pfn=0x60400 pgmap=dev_pagemap[1]
       *   6  gup_fast_pin_once.unpin vpn=0x7f0000000 pfn=0x60400 pgmap=dev_pagemap[1]
       *   7  gup_fast_pin_once.put_pgmap_only vpn=0x7f0000000 pfn=0x60400 pgmap=dev_pagemap[1]
       */
      byte frames_1

      /*
       * frames_2: remove
       *   0  remove_once.kill mm=mm_struct[1] vpn=0x7f0000000 pfn=0x60400 pgmap=dev_pagemap[1]
       *   1  remove_once.zap mm=mm_struct[1] vpn=0x7f0000000 pfn=0x60400 pgmap=dev_pagemap[1]
       *   2  remove_once.wait_idle mm=mm_struct[1] vpn=0x7f0000000 pfn=0x60400 pgmap=dev_pagemap[1]
       *   3  empty
       */
      byte frames_2

      /*
       * pgmaps_1
       *   0  state=live ref=0x0
       *   1  state=dying
       *   2  ref=0x1
       *   3  ref=0x1 state=dying
       *   4  state=dead
       */
      byte pgmaps_1

      /*
       * pages
       *   0  0x60400 refcount=2
       *   1  0x60400 refcount=1
       *   2  0x60400 refcount=3
       */
      byte pages

      /*
       * ptes
       *   0  1:0x7f0000000 pfn=0x60400 flags={present devmap} gen=1
       *   1  1:0x7f0000000 none
       */
      byte ptes

      /* cpu0 */
      active proctype task1_cpu0() {
      end:
        do
        /* gup_fast_pin_once.read_pte: Read the entry without any lock. */
        :: d_step { tasks_1 == 0 && frames_1 == 0 && ptes == 0 -> frames_1 = 1 }
        :: d_step { tasks_1 == 0 && frames_1 == 0 && ptes == 1 -> tasks_1 = 1; frames_1 = 4 }
        /* gup_fast_pin_once.get_pgmap: Take a reference of the pgmap, unless it is dying. */
        :: d_step { tasks_1 == 0 && frames_1 == 1 && pgmaps_1 == 0 && pages == 0 -> frames_1 = 2; pgmaps_1 = 2 }
        :: d_step { tasks_1 == 0 && frames_1 == 1 && pgmaps_1 == 1 && pages == 0 -> tasks_1 = 1; frames_1 = 4 }
        :: d_step { tasks_1 == 0 && frames_1 == 1 && pgmaps_1 == 1 && pages == 1 -> tasks_1 = 1; frames_1 = 4 }
        :: d_step { tasks_1 == 0 && frames_1 == 1 && pgmaps_1 == 4 && pages == 1 -> tasks_1 = 1; frames_1 = 4 }
        /* gup_fast_pin_once.try_grab: Take the reference of the page speculatively. */
        :: d_step { tasks_1 == 0 && frames_1 == 2 && pages == 0 -> frames_1 = 3; pages = 2 }
        :: d_step { tasks_1 == 0 && frames_1 == 2 && pages == 1 -> frames_1 = 3; pages = 0 }
        /* gup_fast_pin_once.recheck: Read the entry again: is it still the same? If not, drop the reference. */
        :: d_step { tasks_1 == 0 && frames_1 == 3 && ptes == 0 -> frames_1 = 5 }
        :: d_step { tasks_1 == 0 && frames_1 == 3 && pages == 0 && ptes == 1 -> frames_1 = 7; pages = 1 }
        /* gup_fast_pin_once.put_pgmap: Drop the pgmap reference: from here the page reference stands alone. */
        :: d_step { tasks_1 == 0 && frames_1 == 5 && pgmaps_1 == 2 -> frames_1 = 6; pgmaps_1 = 0 }
        :: d_step { tasks_1 == 0 && frames_1 == 5 && pgmaps_1 == 3 -> frames_1 = 6; pgmaps_1 = 1 }
        /* gup_fast_pin_once.unpin: Drop the reference of the page. */
        :: d_step { tasks_1 == 0 && frames_1 == 6 && pages == 2 -> tasks_1 = 1; frames_1 = 4; pages = 0 }
        :: d_step { tasks_1 == 0 && frames_1 == 6 && pages == 0 -> tasks_1 = 1; frames_1 = 4; pages = 1 }
        /* gup_fast_pin_once.put_pgmap_only: Drop the pgmap reference; nothing was pinned. */
        :: d_step { tasks_1 == 0 && frames_1 == 7 && pgmaps_1 == 3 -> tasks_1 = 1; frames_1 = 4; pgmaps_1 = 1 }
        od
      }

      /* remove */
      active proctype task2_remove() {
      end:
        do
        /* remove_once.kill: Kill the pgmap: no new reference of it can be taken. */
        :: d_step { tasks_2 == 0 && frames_2 == 0 && pgmaps_1 == 0 -> frames_2 = 1; pgmaps_1 = 1 }
        :: d_step { tasks_2 == 0 && frames_2 == 0 && pgmaps_1 == 2 -> frames_2 = 1; pgmaps_1 = 3 }
        /* remove_once.zap: Clear the entry and drop the reference that it held; or leave both. */
        :: d_step { tasks_2 == 0 && frames_2 == 1 && pages == 0 && ptes == 0 -> frames_2 = 2; pages = 1; ptes = 1 }
        :: d_step { tasks_2 == 0 && frames_2 == 1 && pages == 2 && ptes == 0 -> frames_2 = 2; pages = 0; ptes = 1 }
        /* remove_once.wait_idle: Nobody holds what remove() waits for: it is done. */
        :: d_step { tasks_2 == 0 && frames_2 == 2 && pgmaps_1 == 1 && pages == 1 -> tasks_2 = 1; frames_2 = 3; pgmaps_1 = 4 }
        od
      }

      /* removeDoneMeansUnheld, in every state */
      active proctype always() {
      end:
        do
        /* Any other contents than those with which it holds. */
        :: d_step { !((pgmaps_1 == 0)
            || (pgmaps_1 == 1)
            || (pgmaps_1 == 2)
            || (pgmaps_1 == 3)
            || (tasks_1 == 0 && tasks_2 == 1 && frames_1 == 0 && pgmaps_1 == 4)
            || (tasks_1 == 0 && tasks_2 == 1 && frames_1 == 1 && pgmaps_1 == 4)
            || (tasks_1 == 1 && tasks_2 == 1 && pgmaps_1 == 4)) -> assert(false) }
        od
      }"
    `)
  })

  it('says after how many moves its property is broken', () => {
    const { text, shortest } = modelOf({ ...remove, cpus: 1, removalZap: 'leave' })
    expect(shortest).toBe(8)
    expect(text).toContain(
      'Expected: it is broken. Moves of a shortest schedule: 8; then cpu0 still holds the page.',
    )
    expect(text).toContain('/* cpu0 still holds the page */\n  :: d_step {')
  })

  it('leaves the kernel as it was', () => {
    const { kernel, programs, invariant, header } = boot({ ...remove, cpus: 2 })
    const { arena } = kernel.heap
    const { hash } = arena
    promela(kernel, programs, invariant, header)
    expect(arena.hash).toBe(hash)
    expect(arena.journal.length).toBe(0)
  })

  it('is not written where there are too many states', () => {
    const { kernel, programs, invariant, header } = boot({ ...remove, cpus: 3 })
    const { hash } = kernel.heap.arena
    expect(promela(kernel, programs, invariant, header, 1224)).toBe(
      'There are more than 1224 states: too many for a model in Promela.',
    )
    expect(kernel.heap.arena.hash).toBe(hash)
    expect(promela(kernel, programs, invariant, header, 1225)).toHaveProperty('states', 1225)
  })

  it('has names and comments that its texts cannot break out of', () => {
    const text = modelText({
      head: ['*/ assert(false) /*'],
      variables: [{ part: 0, name: 'pages', about: '', contents: Array(300).fill('x */ y') }],
      threads: new Map([[3, 'a*/ shell: "x"']]),
      property: 'holds',
      commands: [{ task: 3, step: 'a.b', does: 'Go */ on.', guard: [], effect: [] }],
      verdicts: [{ says: undefined, guard: [] }],
    })
    expect(text).toContain('active proctype task3_a_shell_x_() {')
    expect(text).toContain('short pages')
    expect(text).toContain(':: d_step { true -> skip }')
    const bare = text.replaceAll(/\/\*[\s\S]*?\*\//g, '')
    expect(bare).not.toContain('*/')
    expect(bare.match(/assert/g)).toHaveLength(1)
  })
})

/** One thread counts in the pgmap; the other looks at it behind the back of the table. */
function leaky() {
  const declared = {
    does: 'Goes.',
    source: { file: 'none', fn: 'none', version: '1' },
    leftOut: 'nothing',
    entry: 'go',
  } as const
  const counts = operation({
    ...declared,
    name: 'counts',
    steps: {
      go: {
        does: 'Count.',
        run(k, t) {
          k.pgmaps.at(1).ref += 1
          return t.done()
        },
      },
    },
  })
  const peeks = operation({
    ...declared,
    name: 'peeks',
    steps: { go: { does: 'Peek.', run: (_k, t) => t.done(held()) } },
  })
  const k = createKernel({
    policy: choosePolicies(policies),
    operations: [counts, peeks],
    invariants: [],
  })
  k.pgmaps.make()
  const held = () => k.heap.arena.words[k.pgmaps.addressOf(1, 'ref')] as number
  for (const each of [counts, peeks])
    k.machine.start(k.tasks.make({ name: each.name }).id, each, {})
  const never: Always<Kernel> = {
    kind: 'always',
    windows: [],
    name: 'never',
    claim: 'The pgmap is never counted.',
    sources: [],
    broken: () => (held() === 0 ? undefined : { table: 'pgmaps', id: 1, says: 'counted' }),
  }
  const header = { scenario: 'leaky', preset: 'none', policies: {} }
  return { k, never, header }
}

describe('what looks at more than it says', () => {
  it('is found where it is a step', () => {
    const { k, never, header } = leaky()
    expect(() => promela(k, new Map(), never, header)).toThrow(
      /step 0: from the same contents it led to “.*” and to “.*”/,
    )
  })

  it('is found where it is the property', () => {
    const { k, never, header } = leaky()
    k.machine.step(2)
    expect(() => promela(k, new Map(), never, header)).toThrow(
      'state 0: 2 rules apply where 1 should',
    )
  })
})

const isThere = hasSpin()
if (!isThere) console.warn('spin or gcc is not installed: what SPIN finds is not compared.')

describe.skipIf(!isThere)('SPIN, given the model,', () => {
  it.each(titled(holding))('finds as many states, and that they keep %s', (_title, one) => {
    const { text, states, transitions, shortest } = modelOf(one)
    expect(shortest).toBeUndefined()
    expect(spinSearch(text)).toEqual({ states, transitions: transitions + 1, shortest })
  })

  it.each(titled(breaking))('finds as short a way to break %s', (_title, one) => {
    const { text, shortest } = modelOf(one)
    expect(shortest).toBeGreaterThan(0)
    expect(spinSearch(text).shortest).toBe(shortest)
  })
})
